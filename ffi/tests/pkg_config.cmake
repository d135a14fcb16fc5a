# A program that is built with nothing but pkg-config.

set(ENV{PKG_CONFIG_PATH} ${CONFIG_DIR}/../../pkgconfig)
function(ask out)
  execute_process(COMMAND ${PKG_CONFIG} ${ARGN} licsdk OUTPUT_VARIABLE text
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

ask(version --modversion)
if(NOT version STREQUAL VERSION)
  message(FATAL_ERROR "pkg-config says ${version}, the package is ${VERSION}")
endif()
ask(lib_dir --variable=libdir)
ask(cflags --cflags)
if(KIND STREQUAL "static")
  ask(libs --libs --static)
  # What a program does that wants one file: the archive by its name.
  string(REPLACE "-llicsdk" "${lib_dir}/liblicsdk.a" libs "${libs}")
  string(APPEND cflags " -DLICSDK_STATIC")
else()
  ask(libs --libs)
  string(APPEND libs " -Wl,-rpath,${lib_dir}")
endif()
separate_arguments(cflags)
separate_arguments(libs)
execute_process(
  COMMAND ${CC} -std=c99 -Wall -Wextra -Werror "-DLICSDK_EXPECTED_VERSION=\"${VERSION}\""
    ${cflags} ${SOURCE} -o ${OUT} ${libs}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${OUT} COMMAND_ERROR_IS_FATAL ANY)

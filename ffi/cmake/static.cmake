# The static library, for programs that must be one file. A second Rust library in the same program
# would collide with an ordinary static one (`rust_eh_personality`, `cxxbridge1$...`), so with GNU
# binutils everything is linked into one object first, in which only licsdk_* stays global.

add_library(licsdk_part STATIC ${sources})
licsdk_cxx(licsdk_part)
target_compile_definitions(licsdk_part PUBLIC LICSDK_STATIC)

set(one_object OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_OBJCOPY)
  execute_process(COMMAND ${CMAKE_LINKER} --version OUTPUT_VARIABLE linker ERROR_QUIET)
  if(linker MATCHES "GNU ld")
    set(one_object ON)
  endif()
endif()
option(LICSDK_ONE_OBJECT "Hide what is not licsdk_* in the static library too" ${one_object})

if(LICSDK_ONE_OBJECT)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/licsdk-$<CONFIG>.o)
  # Groups are resolved here: once their symbols are local, the program's linker could drop a group
  # in favor of its own copy and leave ours without the code.
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o ${object}
      --whole-archive $<TARGET_FILE:licsdk_part> --no-whole-archive
      ${LICSDK_RUST_ARCHIVE}
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=licsdk_*
      --remove-section=.llvmbc --remove-section=.llvmcmd
      $<$<NOT:$<CONFIG:Debug>>:--strip-debug> ${object}
    DEPENDS licsdk_part licsdk_cargo ${LICSDK_RUST_ARCHIVE}
    COMMENT "Linking the static library's one object"
    COMMAND_EXPAND_LISTS VERBATIM)
  add_library(licsdk_static STATIC ${object})
  set_property(SOURCE ${object} PROPERTY EXTERNAL_OBJECT ON)
  set_property(TARGET licsdk_static PROPERTY LINKER_LANGUAGE CXX)
else()
  add_library(licsdk_static STATIC ${sources})
  licsdk_cxx(licsdk_static)
  target_link_libraries(licsdk_static INTERFACE
    $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/${archive}>
    $<BUILD_INTERFACE:licsdk_rust>)
  install(FILES ${LICSDK_RUST_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

add_library(licsdk::licsdk_static ALIAS licsdk_static)
find_package(Threads REQUIRED)
target_compile_definitions(licsdk_static PUBLIC LICSDK_STATIC)
target_include_directories(licsdk_static
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_link_libraries(licsdk_static INTERFACE Threads::Threads ${LICSDK_SYSTEM_LIBS})
# On Windows the import library of the shared one has the plain name.
if(NOT WIN32)
  set_property(TARGET licsdk_static PROPERTY OUTPUT_NAME licsdk)
endif()
set(LICSDK_PC_PRIVATE "-lstdc++")
foreach(lib IN LISTS LICSDK_SYSTEM_LIBS)
  string(APPEND LICSDK_PC_PRIVATE " -l${lib}")
endforeach()

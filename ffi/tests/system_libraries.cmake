# The list of system libraries in cmake/system.cmake is the compiler's own.

file(GLOB commands ${BUILD}/cargo-command-*.txt)
list(GET commands 0 file)
file(READ ${file} command)
string(STRIP "${command}" command)
# The same command line as the build's: cargo has nothing to do and repeats what it said.
execute_process(COMMAND ${command} WORKING_DIRECTORY ${ROOT}/ffi
  ERROR_VARIABLE said OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
if(NOT said MATCHES "native-static-libs: ([^\n]*)")
  message(FATAL_ERROR "cargo does not name the libraries:\n${said}")
endif()
string(STRIP "${CMAKE_MATCH_1}" named)
string(REPLACE " " ";" named "${named}")

include(${ROOT}/ffi/cmake/system.cmake)
set(ours "")
foreach(lib IN LISTS LICSDK_SYSTEM_LIBS)
  list(APPEND ours -l${lib})
endforeach()
# The C++ runtime is the linker language's business.
list(REMOVE_ITEM named -lstdc++ -lc++)
list(REMOVE_DUPLICATES named)
list(SORT named)
list(SORT ours)
if(NOT "${named}" STREQUAL "${ours}")
  message(FATAL_ERROR "system.cmake lists\n  ${ours}\nthe compiler\n  ${named}")
endif()

# Nothing but licsdk_* leaves the libraries: no symbol of Rust, of C++ templates or of TLS.

execute_process(COMMAND ${NM} -D --defined-only ${SHARED} OUTPUT_VARIABLE shared
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${NM} -g --defined-only ${STATIC} OUTPUT_VARIABLE static
  COMMAND_ERROR_IS_FATAL ANY)

foreach(library shared static)
  string(REPLACE "\n" ";" lines "${${library}}")
  set(names "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^[0-9a-f]+ (.) ([^@]+)")
      set(kind ${CMAKE_MATCH_1})
      set(name ${CMAKE_MATCH_2})
      if(name MATCHES "^licsdk_")
        list(APPEND names ${name})
      elseif(NOT kind STREQUAL "A")
        message(SEND_ERROR "the ${library} library exports ${name} (${kind})")
      endif()
    endif()
  endforeach()
  list(SORT names)
  set(${library}_names "${names}")
endforeach()

# Every function of the header is there, and nothing that the header does not declare.
get_filename_component(prefix ${SHARED} DIRECTORY)
get_filename_component(prefix ${prefix} DIRECTORY)
file(STRINGS ${prefix}/include/licsdk/licsdk.h lines REGEX "^LICSDK_API ")
set(declared "")
foreach(line IN LISTS lines)
  string(REGEX MATCH "licsdk_[a-z_]+\\(" name "${line}")
  string(REPLACE "(" "" name "${name}")
  if(NOT name STREQUAL "licsdk_from_ansi") # Windows only
    list(APPEND declared ${name})
  endif()
endforeach()
list(SORT declared)
foreach(library shared static)
  if(NOT "${${library}_names}" STREQUAL "${declared}")
    message(SEND_ERROR "the ${library} library has\n ${${library}_names}\nthe header\n ${declared}")
  endif()
endforeach()

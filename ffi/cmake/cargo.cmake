# One target runs cargo and lets it decide what is stale. cxx-build puts the bridge's C++ into the
# Rust static library, so CMake sees one library and one folder of headers.

find_program(CARGO cargo HINTS ENV CARGO_HOME PATH_SUFFIXES bin PATHS "$ENV{HOME}/.cargo/bin" REQUIRED)

# cargo knows where it builds: CARGO_TARGET_DIR, a config file, or the workspace's own folder.
execute_process(
  COMMAND ${CARGO} metadata --format-version 1 --no-deps
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  OUTPUT_VARIABLE metadata COMMAND_ERROR_IS_FATAL ANY)
string(JSON target_dir GET "${metadata}" target_directory)
file(TO_CMAKE_PATH "${target_dir}" target_dir)

set(target_option "")
set(out_dir ${target_dir})
if(LICSDK_CARGO_TARGET)
  set(target_option --target ${LICSDK_CARGO_TARGET})
  set(out_dir ${target_dir}/${LICSDK_CARGO_TARGET})
endif()
set(LICSDK_BRIDGE_INCLUDE ${out_dir}/cxxbridge)

if(MSVC)
  set(archive license_ffi.lib)
else()
  set(archive liblicense_ffi.a)
endif()
set(LICSDK_RUST_ARCHIVE ${out_dir}/$<IF:$<CONFIG:Debug>,debug,release>/${archive})

# cargo names the system libraries that the static library needs; a test compares them with
# system.cmake. Always the same command line: another one would build the crate again.
set(LICSDK_CARGO_COMMAND ${CARGO} rustc --package license-ffi --lib --crate-type staticlib
  --profile $<IF:$<CONFIG:Debug>,dev,release> ${target_option} -- --print native-static-libs)

add_custom_target(licsdk_cargo
  COMMAND ${LICSDK_CARGO_COMMAND}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  BYPRODUCTS ${LICSDK_RUST_ARCHIVE}
  COMMENT "Building the Rust half with cargo"
  COMMAND_EXPAND_LISTS VERBATIM USES_TERMINAL)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/cargo-command-$<CONFIG>.txt
  CONTENT "${LICSDK_CARGO_COMMAND}\n")

add_library(licsdk_rust STATIC IMPORTED GLOBAL)
add_dependencies(licsdk_rust licsdk_cargo)
set_target_properties(licsdk_rust PROPERTIES
  IMPORTED_LOCATION ${out_dir}/release/${archive}
  IMPORTED_LOCATION_DEBUG ${out_dir}/debug/${archive})

# Everything in one command, as CI does it: build, install, test against what was installed.
#
#   cmake [-DWORK=DIR] [-DBUILD_TYPE=Debug] -P ffi/tests/run.cmake
cmake_minimum_required(VERSION 3.20)
get_filename_component(ffi ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
if(NOT WORK)
  set(WORK ${ffi}/../target/cpp)
endif()
if(NOT BUILD_TYPE)
  set(BUILD_TYPE Debug)
endif()
get_filename_component(WORK ${WORK} ABSOLUTE)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run(${CMAKE_COMMAND} -S ${ffi} -B ${WORK}/build -DCMAKE_BUILD_TYPE=${BUILD_TYPE})
run(${CMAKE_COMMAND} --build ${WORK}/build --config ${BUILD_TYPE})
run(${CMAKE_COMMAND} --install ${WORK}/build --config ${BUILD_TYPE} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${ffi}/tests -B ${WORK}/tests -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
  -DCMAKE_PREFIX_PATH=${WORK}/prefix -DLICSDK_BUILD_DIR=${WORK}/build)
run(${CMAKE_COMMAND} --build ${WORK}/tests --config ${BUILD_TYPE} --parallel 2)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/tests -C ${BUILD_TYPE} --output-on-failure
  --no-tests=error)

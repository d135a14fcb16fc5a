# The example as a stranger builds and runs it, against what the fake server writes to a folder.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE out)
  set(result "${result}" PARENT_SCOPE)
  set(out "${out}" PARENT_SCOPE)
endfunction()
function(expect code)
  if(NOT result STREQUAL code)
    message(FATAL_ERROR "exit code ${result}, expected ${code}:\n${out}")
  endif()
  foreach(text IN LISTS ARGN)
    string(FIND "${out}" "${text}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "`${text}` is missing in:\n${out}")
    endif()
  endforeach()
endfunction()

file(REMOVE_RECURSE ${OUT}/server ${OUT}/state)
file(MAKE_DIRECTORY ${OUT})
# Without a standard input the server writes its folder and ends.
file(WRITE ${OUT}/nothing "")
execute_process(COMMAND ${FAKE_SERVER} ${OUT}/server INPUT_FILE ${OUT}/nothing COMMAND_ERROR_IS_FATAL ANY)

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${OUT}/untrusting -Dlicsdk_DIR=${CONFIG_DIR} -G ${GENERATOR})
expect(1 "TRUST_JWKS")
# A Release program, whatever the library is.
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${OUT}/build -Dlicsdk_DIR=${CONFIG_DIR} -G ${GENERATOR}
  -DTRUST_JWKS=${OUT}/server/trust.json -DCMAKE_BUILD_TYPE=Release)
expect(0)
run(${CMAKE_COMMAND} --build ${OUT}/build)
expect(0)

set(solver ${OUT}/build/solver --state-dir ${OUT}/state)
file(READ ${OUT}/server/machine.txt machine)

run(${solver} --license ${OUT}/server/good.lic --dev-info ${machine})
expect(0 "测试客户 𠮷" "valid until" "fine mesh     yes" "solver cores  4" "65 x 65")

run(${solver} --license ${OUT}/server/good.lic --dev-info "04:7C:16:5E:E3:5D|OTHER-DISK|OTHER-BOARD|")
expect(1 "MACHINE_MISMATCH" "board: differs" "disk: differs" "mac: matches" "cpu: not-readable"
  "What to do" "其他机器")

run(${solver} --license ${OUT}/server/expired.lic --dev-info ${machine})
expect(1 "LICENSE_EXPIRED" "过期")
run(${solver} --license ${OUT}/server/stranger.lic --dev-info ${machine})
expect(1 "KEY_UNKNOWN")
run(${solver} --license ${OUT}/server/none.lic)
expect(1 "LICENSE_MISSING")
run(${solver})
expect(1 "LICENSE_MISSING" "没有许可证")
run(${solver} --server http://license.example.com --activation-code X)
expect(1 "CONFIG_INVALID" "https")
run(${solver} --licence x)
expect(2 "unknown option" "usage")

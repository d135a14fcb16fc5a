# What the Rust half needs from the system, as `rustc --print native-static-libs` names it. A test
# compares this list with the compiler's.
if(WIN32)
  set(LICSDK_SYSTEM_LIBS advapi32 bcrypt crypt32 iphlpapi kernel32 ntdll ole32 oleaut32 pdh powrprof
    psapi netapi32 secur32 shell32 userenv ws2_32 dbghelp)
elseif(APPLE)
  set(LICSDK_SYSTEM_LIBS "-framework CoreFoundation" "-framework IOKit" "-framework Security"
    iconv System c m)
else()
  set(LICSDK_SYSTEM_LIBS gcc_s util rt pthread m dl c)
endif()

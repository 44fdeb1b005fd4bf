# System libraries. One that is missing is named together with the Debian package that brings it.
find_package(PkgConfig REQUIRED)
set(missing_packages)

macro(need_module prefix module package)
  pkg_check_modules(${prefix} IMPORTED_TARGET ${module})
  if(NOT ${prefix}_FOUND)
    list(APPEND missing_packages ${package})
  endif()
endmacro()

# Some packages bring no .pc file, or not for what we need: look for the file itself.
macro(need_file variable package)
  if(NOT ${variable})
    list(APPEND missing_packages ${package})
  endif()
endmacro()

need_module(LUA lua5.4>=5.4.4 liblua5.4-dev)
need_module(CURL libcurl>=7.88 libcurl4-openssl-dev)
need_module(SSL openssl>=3 libssl-dev)
need_module(SQLITE sqlite3 libsqlite3-dev)
need_module(MICROHTTPD libmicrohttpd libmicrohttpd-dev)
need_module(HIREDIS hiredis libhiredis-dev)
need_module(CJSON lua5.4-cjson lua-cjson-dev)

find_library(CJSON_ARCHIVE liblua5.4-cjson.a)
need_file(CJSON_ARCHIVE lua-cjson-dev)
find_path(CSV_INCLUDE_DIR csv.h)
find_library(CSV_LIBRARY csv)
need_file(CSV_INCLUDE_DIR libcsv-dev)
need_file(CSV_LIBRARY libcsv-dev)
find_file(ARGPARSE_LUA argparse.lua PATHS /usr/share/lua/5.4 /usr/local/share/lua/5.4)
need_file(ARGPARSE_LUA lua-argparse)

# Where it is missing, `moonkey repl` takes plain lines.
if(MOONKEY_LINE_EDITING)
  pkg_check_modules(EDIT IMPORTED_TARGET libedit)
endif()
if(NOT EDIT_FOUND)
  message(STATUS "without libedit (libedit-dev): moonkey repl takes plain lines")
endif()

# Where it is missing, --restricted does without its filter of system calls, and says so.
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp>=2.5)
if(NOT SECCOMP_FOUND)
  message(STATUS "without libseccomp (libseccomp-dev): --restricted does not filter system calls")
endif()

if(missing_packages)
  list(REMOVE_DUPLICATES missing_packages)
  list(JOIN missing_packages " " packages)
  message(FATAL_ERROR "moonkey needs libraries that are not here. Install them with:\n  apt-get install ${packages}")
endif()

add_library(moonkey_csv INTERFACE)
target_include_directories(moonkey_csv SYSTEM INTERFACE ${CSV_INCLUDE_DIR})
target_link_libraries(moonkey_csv INTERFACE ${CSV_LIBRARY})

# The archive, not the shared library: the latter is made for Lua's own loader.
add_library(moonkey_cjson INTERFACE)
target_include_directories(moonkey_cjson SYSTEM INTERFACE ${CJSON_INCLUDE_DIRS})
target_link_libraries(moonkey_cjson INTERFACE ${CJSON_ARCHIVE})
# What it does without memory is host/lib/cjson_guard.c's to mend.
target_link_options(moonkey_cjson INTERFACE -Wl,--wrap=exit,--wrap=strbuf_new,--wrap=strbuf_free)

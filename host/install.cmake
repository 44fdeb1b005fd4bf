# What `cmake --install` puts where, and the packages that `cpack` makes of it: a .deb, and with CPackSourceConfig.cmake the sources.
include(GNUInstallDirs)

install(TARGETS moonkey)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY scripts DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples PATTERN "*.sh" EXCLUDE)

install(FILES lua/moonkey/completion/moonkey.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME moonkey)
install(FILES lua/moonkey/completion/moonkey.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _moonkey)
install(FILES lua/moonkey/completion/moonkey.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# Install a file that the build makes, compressed where there is a gzip: OUTPUT.gz of OUTPUT; without its time, so that the same
# sources make the same package.
find_program(GZIP gzip)
function(install_compressed path destination)
  if(GZIP)
    add_custom_command(OUTPUT ${path}.gz DEPENDS ${path} COMMAND ${GZIP} -9nkf ${path} VERBATIM)
    set(path ${path}.gz)
  endif()
  set_property(GLOBAL APPEND PROPERTY made_for_install ${path})
  install(FILES ${path} DESTINATION ${destination})
endfunction()

# The manual: what the program says of itself, as pages for man(1).
foreach(page moonkey.1 moonkey-lua.3 moonkey-config.5)
  string(REGEX REPLACE ".*\\." "" section ${page})
  set(path ${CMAKE_BINARY_DIR}/man/man${section}/${page})
  add_custom_command(OUTPUT ${path} DEPENDS moonkey COMMAND moonkey help --man ${page} > ${path} VERBATIM)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man/man${section})
  install_compressed(${path} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

set(MOONKEY_CONTACT "The moonkey authors <moonkey@localhost>" CACHE STRING "Who answers for the packages: Name <address>")
configure_file(host/changelog.in ${CMAKE_BINARY_DIR}/changelog @ONLY)
install_compressed(${CMAKE_BINARY_DIR}/changelog ${CMAKE_INSTALL_DOCDIR})
get_property(made GLOBAL PROPERTY made_for_install)
add_custom_target(man ALL DEPENDS ${made})

# ---- packages

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT ${MOONKEY_CONTACT})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
  WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # asks dpkg-shlibdeps, of dpkg-dev
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, lua-busted, lua-check")
set(CPACK_PACKAGE_DESCRIPTION "moonkey lists, makes, changes and switches off API tokens of the SoftwareOne
Marketplace Platform from Lua scripts, from files of rows and from the
command line. HTTP, retries, concurrency, credentials and journals are below
Lua. An emulator of the platform's token API is built in.")

set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME ${PROJECT_NAME}-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES "/\\\\.git/" "^${CMAKE_SOURCE_DIR}/build[^/]*/" "/__pycache__/" "\\\\.sw.$")
set(CPACK_VERBATIM_VARIABLES OFF)
include(CPack)

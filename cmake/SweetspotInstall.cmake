# Installs libsweetspot: header, libraries, CMake package and pkg-config file. The prefix can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/sweetspot)
# A bundle has libfmt beside it.
set_property(TARGET libsweetspot_shared PROPERTY INSTALL_RPATH "\$ORIGIN")
# Two exports: a bundle has no static library, and a CMake package must not promise one.
install(TARGETS libsweetspot_shared EXPORT sweetspotTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libsweetspot
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS libsweetspot_static EXPORT sweetspotStaticTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libsweetspot
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sweetspot
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libsweetspot)
foreach(export sweetspotTargets sweetspotStaticTargets)
  install(EXPORT ${export} NAMESPACE sweetspot:: DESTINATION ${_package} COMPONENT libsweetspot)
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sweetspotConfig.cmake.in
  ${PROJECT_BINARY_DIR}/sweetspotConfig.cmake INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sweetspotConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sweetspotConfig.cmake
              ${PROJECT_BINARY_DIR}/sweetspotConfigVersion.cmake
  DESTINATION ${_package} COMPONENT libsweetspot)

# From where the file lies to the prefix, so that the tree can be moved.
file(RELATIVE_PATH SWEETSPOT_PC_TO_PREFIX
  ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(CMAKE_DL_LIBS_FLAG "${CMAKE_DL_LIBS}")
list(TRANSFORM CMAKE_DL_LIBS_FLAG PREPEND -l)
configure_file(${CMAKE_CURRENT_LIST_DIR}/sweetspot.pc.in ${PROJECT_BINARY_DIR}/sweetspot.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sweetspot.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libsweetspot)

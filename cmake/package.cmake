# What `cmake --install` puts beside the libraries, so that find_package(gradus) works elsewhere.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gradusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/gradusConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0, a minor version may change what callers wrote.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

install(TARGETS gradus EXPORT gradusTargets)
install(EXPORT gradusTargets NAMESPACE gradus:: DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/gradus.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/gradus)
install(FILES ${PROJECT_BINARY_DIR}/gradusConfig.cmake ${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindOpenBLAS.cmake ${PROJECT_SOURCE_DIR}/cmake/Findutf8proc.cmake
        DESTINATION ${package_dir})

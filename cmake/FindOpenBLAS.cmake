# Finds OpenBLAS and makes the target OpenBLAS::OpenBLAS. Used by the build and by the installed
# package, so that both accept the same installations.
#
# The library is linked by its SONAME, so that the OpenMP and the pthread build can be exchanged at
# run time (update-alternatives, LD_LIBRARY_PATH). Debian keeps each build's cblas.h in a folder of
# its own, and a plain cblas.h beside them may be another library's: hence the order of suffixes.
find_path(OpenBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas-openmp openblas-pthread openblas)
find_library(OpenBLAS_LIBRARY openblas)
mark_as_advanced(OpenBLAS_INCLUDE_DIR OpenBLAS_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLAS
  REQUIRED_VARS OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu have it as libopenblas-dev.")

if(OpenBLAS_FOUND AND NOT TARGET OpenBLAS::OpenBLAS)
  add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::OpenBLAS PROPERTIES
    IMPORTED_LOCATION ${OpenBLAS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OpenBLAS_INCLUDE_DIR})
endif()

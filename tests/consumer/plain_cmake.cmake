# What CMake does with gradus where nothing is asked of it.
# In: CHECKOUT of gradus, WORK to try it in, GENERATOR, COMPILER.
cmake_policy(VERSION 3.20)
file(REMOVE_RECURSE ${WORK})

# A build inside the source tree would overwrite the launcher. A tree of the two files that matter shows it is refused.
file(COPY ${CHECKOUT}/CMakeLists.txt ${CHECKOUT}/gradus DESTINATION ${WORK}/tree)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/tree -B ${WORK}/tree -G ${GENERATOR}
                RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE said)
if(result EQUAL 0 OR NOT said MATCHES "gradus does not build inside its source tree" OR NOT said MATCHES "use ./gradus build")
  message(SEND_ERROR "a build inside the source tree must be refused with the way out; CMake said:\n${said}")
endif()
file(SHA256 ${CHECKOUT}/gradus before)
file(SHA256 ${WORK}/tree/gradus after)
if(NOT before STREQUAL after)
  message(SEND_ERROR "the launcher was overwritten")
endif()

# A portable, optimised build is what comes of itself; the launcher asks for this machine's own.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CHECKOUT} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
                        -DGRADUS_BUILD_TESTS=OFF
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
load_cache(${WORK}/build READ_WITH_PREFIX plain_ GRADUS_NATIVE CMAKE_BUILD_TYPE)
if(plain_GRADUS_NATIVE OR NOT plain_CMAKE_BUILD_TYPE STREQUAL Release)
  message(SEND_ERROR "GRADUS_NATIVE is ${plain_GRADUS_NATIVE}, CMAKE_BUILD_TYPE ${plain_CMAKE_BUILD_TYPE}")
endif()
file(READ ${CHECKOUT}/gradus launcher)
if(NOT launcher MATCHES "-DGRADUS_NATIVE=ON")
  message(SEND_ERROR "the launcher does not build for this machine")
endif()

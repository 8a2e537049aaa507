# cmake -DWAY=installed|subdirectory … -P run.cmake: builds and runs the consumer.
# In: CHECKOUT and BUILD of gradus, WORK to build in, GENERATOR, COMPILER.
cmake_policy(VERSION 3.20)
set(source ${CMAKE_CURRENT_LIST_DIR})

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(WAY STREQUAL installed)
  # Installed in one place and used from another: the package must not know where it was put.
  file(REMOVE_RECURSE ${WORK})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
  file(RENAME ${WORK}/first ${WORK}/prefix)
  set(options -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_BUILD_TYPE=Release)
else()
  # Builds gradus once more, unoptimised to be quick; later runs find the folder up to date.
  set(options -DGRADUS_CHECKOUT=${CHECKOUT} -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O0)
endif()

run(${CMAKE_COMMAND} -S ${source} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
    ${options})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)

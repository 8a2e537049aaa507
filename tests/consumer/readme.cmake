# What README.md shows is true. The first line of each ```cpp and ```cmake block names a file. One in a folder is of this
# tree, and holds the block; the others make a project that uses the installed gradus, is built, passes its tests, and
# whose example prints the ```text block.
# In: CHECKOUT and BUILD of gradus, WORK to build in, GENERATOR, COMPILER.
cmake_policy(VERSION 3.20)
include(${CMAKE_CURRENT_LIST_DIR}/../support/markdown.cmake)
set(page ${CHECKOUT}/README.md)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# How a line is broken is the formatter's business.
function(spaces_joined text result)
  string(REGEX REPLACE "[ \n]+" " " joined "${text}")
  set(${result} "${joined}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK}/prefix ${WORK}/project)
file(MAKE_DIRECTORY ${WORK}/project)
foreach(language cpp cmake)
  read_blocks(${page} ${language} block)
  set(i 0)
  while(i LESS block_count)
    string(REGEX MATCH "^(//|#) ([A-Za-z0-9_./]+)\n" first_line "${block_${i}}")
    set(name ${CMAKE_MATCH_2})
    string(LENGTH "${first_line}" length)
    string(SUBSTRING "${block_${i}}" ${length} -1 body)
    if(NOT name)
      message(SEND_ERROR "${page}: a block does not say which file it is:\n${block_${i}}")
    elseif(name MATCHES /)
      file(READ ${CHECKOUT}/${name} source)
      spaces_joined("${source}" source)
      spaces_joined("${body}" wanted)
      string(FIND "${source}" "${wanted}" place)
      if(place EQUAL -1)
        message(SEND_ERROR "${page}: this is not in ${name}:\n${body}")
      endif()
    else()
      file(APPEND ${WORK}/project/${name} "${body}")
    endif()
    math(EXPR i "${i} + 1")
  endwhile()
endforeach()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${WORK}/project -B ${WORK}/project/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
    -DCMAKE_BUILD_TYPE=None -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/project/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/project/build --output-on-failure --no-tests=error)
execute_process(COMMAND ${WORK}/project/build/example OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
check_output(${page} "${printed}" ${WORK})

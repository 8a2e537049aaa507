# The launcher's verb lab and the tests of a lab, in a tree of their own with one lab, whose results the variable PROBE
# of the environment says.
# In: CHECKOUT of gradus, WORK for the tree, GENERATOR, COMPILER.
cmake_policy(VERSION 3.20)
set(tree ${WORK}/tree)
set(labs ${tree}/tutorials/labs)
set(source "// One that tests are made with
#include <cstdio>
#include <cstdlib>
#include <string>

int main() {
  const char* probe = std::getenv(\"PROBE\");
  const std::string says = probe ? probe : \"error 0.50 (0.40 to 0.60)\";
  std::fprintf(stderr, \"half way\\n\");
  std::printf(\"seeds: 1 to 5\\n%s\\n\", says.c_str());
  return says == \"fails\" ? 3 : 0;
}
")

# lab_case(CODE RESULT COMMAND…): runs it in the tree; what it printed goes to RESULT_out and RESULT_err.
function(lab_case expected_code result)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${tree}
                  OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
  if(NOT code EQUAL ${expected_code})
    message(SEND_ERROR "'${ARGN}' ended with ${code}, not ${expected_code}:\n${out}${err}")
  endif()
  set(${result}_out "${out}" PARENT_SCOPE)
  set(${result}_err "${err}" PARENT_SCOPE)
endfunction()

# CMake breaks the lines of a message, and ctest numbers them.
function(check_holds text wanted)
  foreach(side IN ITEMS text wanted)
    string(REGEX REPLACE "(\n[0-9]+:)?[ \n]+" " " ${side} "${${side}}")
  endforeach()
  string(FIND "${text}" "${wanted}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "this does not say '${wanted}':\n${text}")
  endif()
endfunction()

# Whether the tests of this label pass.
function(check_tests label passes why)
  execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${tree}/build -L ${label} --no-tests=error -V
                  OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE code)
  if(passes AND NOT code EQUAL 0 OR NOT passes AND code EQUAL 0)
    message(SEND_ERROR "${why}: ctest -L ${label} ended with ${code}:\n${said}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${tree})
file(COPY ${CHECKOUT}/gradus DESTINATION ${tree})
foreach(file IN ITEMS labs.cmake check_lab.cmake compare_results.awk)
  file(COPY ${CHECKOUT}/tutorials/${file} DESTINATION ${tree}/tutorials)
endforeach()
file(WRITE ${labs}/98_probe.cpp "${source}")
file(WRITE ${tree}/tutorials/CMakeLists.txt "include(labs.cmake)\nadd_labs(labs/98_probe)\n")
file(WRITE ${tree}/CMakeLists.txt "cmake_minimum_required(VERSION 3.20)
project(tree LANGUAGES CXX)
enable_testing()
add_library(gradus INTERFACE)
add_library(gradus::gradus ALIAS gradus)
add_subdirectory(tutorials)
")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${tree} -B ${tree}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${tree}/build/.launcher-parts "TUTORIALS\n")  # so that the launcher takes this build as it is
unset(ENV{PROBE})

lab_case(0 list ./gradus lab)
if(NOT list_out STREQUAL "98  One that tests are made with\n")
  message(SEND_ERROR "./gradus lab printed:\n${list_out}")
endif()
lab_case(2 none ./gradus lab 97)
check_holds("${none_err}" "there is no lab 97; ./gradus lab lists them")
lab_case(2 word ./gradus lab probe)
check_holds("${word_err}" "a lab is a number, not 'probe'")
check_tests(course FALSE "a lab without results")
check_holds("${said}" "98_probe.cpp has no results. ./gradus lab 98 runs it and writes them.")

# What it prints is in the file, under the hash of its source; progress is not.
lab_case(0 run ./gradus lab 98)
file(SHA256 ${labs}/98_probe.cpp hash)
set(wanted "source: 98_probe.cpp, SHA-256 ${hash}\nseeds: 1 to 5\nerror 0.50 (0.40 to 0.60)\n")
file(READ ${labs}/98_probe.txt results)
if(NOT results STREQUAL wanted)
  message(SEND_ERROR "the results are\n${results}, not\n${wanted}")
endif()
check_holds("${run_out}" "${wanted}")
check_holds("${run_err}" "half way")
check_tests(course TRUE "results of this source")
check_tests(train TRUE "the same once more")

# A run that fails changes nothing.
set(ENV{PROBE} fails)
lab_case(1 failed ./gradus lab 98)
check_holds("${failed_err}" "the lab failed; its results are as they were")
check_tests(train FALSE "a lab that fails")
file(READ ${labs}/98_probe.txt now)
if(NOT now STREQUAL wanted)
  message(SEND_ERROR "a lab that failed has changed the results to\n${now}")
endif()

# A mean may leave its range by as much as that is wide and a digit: 0.40 - 0.20 - 0.01, 0.60 + 0.20 + 0.01.
foreach(near IN ITEMS "error 0.19 (0.19 to 0.20)" "error  0.81 ( 0.70 to 0.90)")
  set(ENV{PROBE} "${near}")
  check_tests(train TRUE "${near}")
  check_holds("${said}" "1 lines with other digits, all within their bands")
endforeach()
foreach(far IN ITEMS "error 0.18 (0.40 to 0.60)" "error 0.82 (0.40 to 0.60)" "mistake 0.50 (0.40 to 0.60)"
        "error nan (nan to nan)" "error 0.50" "error 0.50 (0.40 to 0.60)\nand more")
  set(ENV{PROBE} "${far}")
  check_tests(train FALSE "${far}")
endforeach()
unset(ENV{PROBE})

# Results of another source, and results without seeds.
file(APPEND ${labs}/98_probe.cpp "// changed\n")
foreach(label IN ITEMS course train)
  check_tests(${label} FALSE "another source")
  check_holds("${said}" "98_probe.txt is not of 98_probe.cpp as it is now. ./gradus lab 98 runs it")
endforeach()
string(REPLACE "seeds:" "numbers:" seedless "${source}")
file(WRITE ${labs}/98_probe.cpp "${seedless}")
lab_case(0 run ./gradus lab 98)
check_tests(course FALSE "no seeds")
check_holds("${said}" "does not say its seeds")

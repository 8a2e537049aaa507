# Holds the results of a lab to its source: the file names the source with its SHA-256, and seeds. With PROGRAM, runs
# it again; what it prints must be the results, as compare_results.awk says.
# In: SOURCE (labs/NN_topic.cpp, its results beside it); or also PROGRAM, and WORK to write in.
cmake_policy(VERSION 3.20)
get_filename_component(name ${SOURCE} NAME)
string(SUBSTRING ${name} 0 2 number)
string(REGEX REPLACE "cpp$" "txt" results ${SOURCE})
set(again "./gradus lab ${number} runs it and writes them.")

if(NOT EXISTS ${results})
  message(FATAL_ERROR "${name} has no results. ${again}")
endif()
file(READ ${results} committed)
file(SHA256 ${SOURCE} hash)
set(first_line "source: ${name}, SHA-256 ${hash}\n")
string(FIND "${committed}" "${first_line}" place)
if(NOT place EQUAL 0)
  message(FATAL_ERROR "${results} is not of ${name} as it is now. ${again}")
endif()
if(NOT committed MATCHES "\nseeds: [0-9]")
  message(FATAL_ERROR "${results} does not say its seeds, in a line that begins with 'seeds: '.")
endif()
if(NOT PROGRAM)
  return()
endif()

file(MAKE_DIRECTORY ${WORK})
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${WORK}/results.txt "${first_line}${printed}")
execute_process(COMMAND awk -f ${CMAKE_CURRENT_LIST_DIR}/compare_results.awk ${results} ${WORK}/results.txt
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${results}: another run printed ${WORK}/results.txt")
endif()

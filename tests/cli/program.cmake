# What the tests of the program share. In: PROGRAM, WORK to write in.
cmake_policy(VERSION 3.20)
set(ENV{OMP_NUM_THREADS} 1)

# run(STATUS ARG...): starts the program in WORK; afterwards `said` is its standard output, `told` that of errors.
function(run expected)
  execute_process(COMMAND ${PROGRAM} ${ARGN} WORKING_DIRECTORY ${WORK}
                  OUTPUT_VARIABLE said ERROR_VARIABLE told RESULT_VARIABLE status)
  if(NOT status EQUAL ${expected})
    list(JOIN ARGN " " words)
    message(SEND_ERROR "gradus ${words} ended with ${status}, not ${expected}:\n${said}${told}")
  endif()
  set(said "${said}" PARENT_SCOPE)
  set(told "${told}" PARENT_SCOPE)
endfunction()

function(check_holds text wanted)
  string(FIND "${text}" "${wanted}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "this does not say '${wanted}':\n${text}")
  endif()
endfunction()

# refuse(SENTENCE ARG...): the program refuses in one line, which holds the sentence, and prints nothing else.
function(refuse sentence)
  run(2 ${ARGN})
  check_holds("${told}" "${sentence}")
  if(NOT said STREQUAL "")
    message(SEND_ERROR "a refusal prints on standard output:\n${said}")
  endif()
  if(NOT told MATCHES "^[^\n]+\n$")
    message(SEND_ERROR "a refusal is not one line:\n${told}")
  endif()
endfunction()

# same_files(FOLDER OTHER FILE...)
function(same_files folder other)
  foreach(file IN LISTS ARGN)
    file(SHA256 ${WORK}/${folder}/${file} hash)
    file(SHA256 ${WORK}/${other}/${file} other_hash)
    if(NOT hash STREQUAL other_hash)
      message(SEND_ERROR "${folder}/${file} is not ${other}/${file}")
    endif()
  endforeach()
endfunction()

# A text of 600 lines, other ones each.
function(write_text path)
  set(text "")
  foreach(i RANGE 1 600)
    math(EXPR a "(${i} * 7) % 13")
    math(EXPR b "(${i} * 5) % 11")
    string(APPEND text "the ${a} cats saw ${b} dogs.\n")
  endforeach()
  file(WRITE ${path} "${text}")
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

# What tests say of text that was printed.
function(check_holds text wanted)
  string(FIND "${text}" "${wanted}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "this does not say '${wanted}':\n${text}")
  endif()
endfunction()

# No line has more than 80 columns.
function(check_width text)
  string(REGEX REPLACE "[^\n]" "." widths "${text}")
  string(REPEAT . 81 too_wide)
  string(FIND "${widths}" ${too_wide} place)
  if(NOT place EQUAL -1)
    message(SEND_ERROR "this has a line of more than 80 columns:\n${text}")
  endif()
endfunction()

# add_labs(labs/NN_topic …): what a chapter shows in a small form, whole. labs/NN_topic.cpp becomes the program
# lab_NN, which the target `labs` builds. `./gradus lab NN` runs it and writes labs/NN_topic.txt. The ctest entry
# lab_NN_source sees that these results are of this source, lab_NN runs it again and compares.
set(labs_folder ${CMAKE_CURRENT_LIST_DIR})
function(add_labs)
  add_custom_target(labs)
  foreach(lab IN LISTS ARGN)
    string(REGEX MATCH "[0-9][0-9]" number ${lab})
    set(program lab_${number})
    add_executable(${program} ${lab}.cpp)
    target_link_libraries(${program} PRIVATE gradus::gradus)
    add_dependencies(labs ${program})
    set(check ${CMAKE_COMMAND} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/${lab}.cpp)
    add_test(NAME ${program}_source COMMAND ${check} -P ${labs_folder}/check_lab.cmake)
    set_tests_properties(${program}_source PROPERTIES LABELS course)
    add_test(NAME ${program}
      COMMAND ${check} -DPROGRAM=$<TARGET_FILE:${program}> -DWORK=${CMAKE_CURRENT_BINARY_DIR}/${lab}
              -P ${labs_folder}/check_lab.cmake)
    set_tests_properties(${program} PROPERTIES LABELS train ENVIRONMENT OMP_WAIT_POLICY=passive)
  endforeach()
endfunction()

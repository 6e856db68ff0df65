# A room is one folder of src/ and one static library; docs/architecture.md lists which rooms it may use.

add_library(sweetspot_options INTERFACE)
target_compile_options(sweetspot_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Werror
  # g++ 12 sees uninitialised variants where std::variant and sanitizers meet.
  -Wno-maybe-uninitialized)
target_include_directories(sweetspot_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(SWEETSPOT_SANITIZE)
  target_compile_options(sweetspot_options INTERFACE
    -fsanitize=${SWEETSPOT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(sweetspot_options INTERFACE -fsanitize=${SWEETSPOT_SANITIZE})
endif()

# sweetspot_room(NAME SOURCES a.cpp ... USES other rooms ... LIBRARIES targets ...)
function(sweetspot_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(sweetspot_${name} STATIC ${ROOM_SOURCES})
  set(rooms ${ROOM_USES})
  list(TRANSFORM rooms PREPEND sweetspot_)
  target_link_libraries(sweetspot_${name} PUBLIC ${rooms} ${ROOM_LIBRARIES}
                        PRIVATE sweetspot_options)
  target_include_directories(sweetspot_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  set_target_properties(sweetspot_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# sweetspot_room_test(ROOM SOURCES a_test.cpp ... [LIBRARIES targets ...])
# One test program per room that links only that room and what the room itself links: a call to a room
# that is not allowed fails to link here.
function(sweetspot_room_test room)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${room}_test ${TEST_SOURCES})
  target_link_libraries(${room}_test PRIVATE sweetspot_${room} ${TEST_LIBRARIES}
                        GTest::gmock GTest::gtest_main sweetspot_options)
  target_include_directories(${room}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  # What is tested is optimised, the tests are not: that is a third of the time they take to compile.
  target_compile_options(${room}_test PRIVATE -O0)
  gtest_discover_tests(${room}_test TEST_PREFIX ${room}. DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 120 LABELS fast)
endfunction()

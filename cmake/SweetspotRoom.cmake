# A room is one folder of src/ and one static library; docs/architecture.md lists which rooms it may use.

add_library(sweetspot_options INTERFACE)
target_compile_options(sweetspot_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Werror
  # g++ 12 sees uninitialised variants where std::variant and sanitizers meet.
  -Wno-maybe-uninitialized
  # g++ collects its garbage from 128 MB on; a room with its headers takes more. A sixth to a quarter of the time.
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>)
target_include_directories(sweetspot_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
# What the whole build is instrumented with: whoever links such objects needs it, too.
set(sweetspot_instrumentation)
if(SWEETSPOT_SANITIZE)
  list(APPEND sweetspot_instrumentation -fsanitize=${SWEETSPOT_SANITIZE})
endif()
if(SWEETSPOT_COVERAGE)
  list(APPEND sweetspot_instrumentation --coverage)
endif()
target_compile_options(sweetspot_options INTERFACE ${sweetspot_instrumentation})
target_link_options(sweetspot_options INTERFACE ${sweetspot_instrumentation})
if(SWEETSPOT_SANITIZE)
  target_compile_options(sweetspot_options INTERFACE -fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()

# The presets compile each room as one unit (CMAKE_UNITY_BUILD), which takes a third of the time: the headers
# are read once for all files. So no two files of a room may give the same name to things of their own;
# the preset `debug` compiles each file by itself, for those who change one, and to see what a file fails to include.

# What nearly every file includes, compiled once for the rooms and once for the tests: a quarter of what a file
# takes to compile. No file may rest on it; clang-tidy reads all without.
set(sweetspot_common_headers
  <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <string> <string_view> <utility>
  <variant> <vector> <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp> <tl/expected.hpp>)

function(sweetspot_precompiled name)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${name}.cpp CONTENT "\n")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/generated/${name}.cpp)
  target_link_libraries(${name} PRIVATE fmt::fmt nlohmann_json::nlohmann_json tl::expected sweetspot_options)
  target_precompile_headers(${name} PRIVATE ${sweetspot_common_headers} ${ARGN})
endfunction()

# What a target was compiled with must be what the headers were compiled with.
function(sweetspot_reuse_headers name headers)
  target_compile_definitions(${name} PRIVATE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  target_precompile_headers(${name} REUSE_FROM ${headers})
endfunction()

# Beside the rooms: what is optimised as they are, and reads the same headers.
function(sweetspot_room_headers_for name)
  target_compile_options(${name} PRIVATE -fPIC) # CMake's property means -fPIE for programs
  sweetspot_reuse_headers(${name} sweetspot_room_headers)
endfunction()

# sweetspot_room(NAME SOURCES a.cpp ... USES other rooms ... LIBRARIES targets ...)
function(sweetspot_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(sweetspot_${name} STATIC ${ROOM_SOURCES})
  set(rooms ${ROOM_USES})
  if(NOT name STREQUAL "ground") # beneath all
    list(PREPEND rooms ground)
  endif()
  list(TRANSFORM rooms PREPEND sweetspot_)
  target_link_libraries(sweetspot_${name} PUBLIC ${rooms} ${ROOM_LIBRARIES}
                        PRIVATE sweetspot_options)
  target_include_directories(sweetspot_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  set_target_properties(sweetspot_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  sweetspot_reuse_headers(sweetspot_${name} sweetspot_room_headers)
  set_property(GLOBAL APPEND PROPERTY sweetspot_rooms sweetspot_${name})
endfunction()

# A room once more under sanitizers, beside the one that is measured: sweetspot_ROOM_asan, sweetspot_ROOM_tsan, with all
# rooms that it uses. They are linked with what the tests were compiled to anyway, and built only for who asks for them.
set(sweetspot_asan_options -fsanitize=address,undefined -fno-sanitize-recover=all)
set(sweetspot_tsan_options -fsanitize=thread)
set(sweetspot_sanitized_options -O0 -g1 -UNDEBUG -fno-omit-frame-pointer)

# The files of a room, wherever they are compiled once more.
function(sweetspot_files_of room result)
  get_target_property(folder ${room} SOURCE_DIR)
  get_target_property(sources ${room} SOURCES)
  set(files)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
    list(APPEND files ${source})
  endforeach()
  set(${result} ${files} PARENT_SCOPE)
endfunction()

# What a room was told besides what it links.
function(sweetspot_share_settings target room)
  get_target_property(folders ${room} INCLUDE_DIRECTORIES)
  get_target_property(definitions ${room} COMPILE_DEFINITIONS)
  if(folders)
    target_include_directories(${target} PUBLIC ${folders})
  endif()
  if(definitions)
    target_compile_definitions(${target} PRIVATE ${definitions})
  endif()
endfunction()

function(sweetspot_sanitized_room target kind)
  if(TARGET ${target}_${kind})
    return()
  endif()
  if(NOT TARGET sweetspot_room_headers_${kind})
    sweetspot_precompiled(sweetspot_room_headers_${kind})
    target_compile_options(sweetspot_room_headers_${kind} PRIVATE
      ${sweetspot_sanitized_options} ${sweetspot_${kind}_options})
  endif()
  get_property(rooms GLOBAL PROPERTY sweetspot_rooms)
  get_target_property(used ${target} LINK_LIBRARIES)
  set(libraries)
  foreach(library ${used})
    if(library IN_LIST rooms)
      sweetspot_sanitized_room(${library} ${kind})
      list(APPEND libraries ${library}_${kind})
    else()
      list(APPEND libraries ${library})
    endif()
  endforeach()
  sweetspot_files_of(${target} files)
  add_library(${target}_${kind} STATIC EXCLUDE_FROM_ALL ${files})
  sweetspot_share_settings(${target}_${kind} ${target})
  target_link_libraries(${target}_${kind} PUBLIC ${libraries})
  target_compile_options(${target}_${kind} PRIVATE
    ${sweetspot_sanitized_options} ${sweetspot_${kind}_options})
  target_link_options(${target}_${kind} INTERFACE ${sweetspot_${kind}_options})
  sweetspot_reuse_headers(${target}_${kind} sweetspot_room_headers_${kind})
endfunction()

# sweetspot_sanitized_program(PROGRAM KIND ROOM [libraries]): PROGRAM_KIND, of the same objects as PROGRAM. The target
# programs_KIND is all of them.
function(sweetspot_sanitized_program program kind room)
  sweetspot_sanitized_room(sweetspot_${room} ${kind})
  add_executable(${program}_${kind} EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${program}>)
  set_target_properties(${program}_${kind} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${program}_${kind} PRIVATE sweetspot_${room}_${kind} ${ARGN})
  if(NOT TARGET programs_${kind})
    add_custom_target(programs_${kind})
  endif()
  add_dependencies(programs_${kind} ${program}_${kind})
endfunction()

# What is tested is optimised, the tests are not: that is a third of the time they take to compile. Nor do they carry
# sanitizers, under which a file of rapidcheck and gmock takes minutes: those are for the rooms.
set(sweetspot_test_options -O0)
if(SWEETSPOT_SANITIZE)
  list(APPEND sweetspot_test_options -fno-sanitize=all)
endif()

# A program of the tests, compiled as they are.
function(sweetspot_test_program name)
  target_compile_options(${name} PRIVATE ${sweetspot_test_options})
  target_compile_options(${name} PRIVATE $<TARGET_PROPERTY:GTest::gmock,INTERFACE_COMPILE_OPTIONS>)
  sweetspot_reuse_headers(${name} sweetspot_test_headers)
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
  sweetspot_test_program(${room}_test)
  gtest_discover_tests(${room}_test TEST_PREFIX ${room}. DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 120 LABELS fast)
  if(room IN_LIST sweetspot_rooms_under_asan)
    sweetspot_sanitized_program(${room}_test asan ${room} ${TEST_LIBRARIES} GTest::gmock GTest::gtest_main)
  endif()
endfunction()

# Those that read what others write, or manage memory and processes; scripts/test-sanitized.sh runs their tests.
set(sweetspot_rooms_under_asan core gguf http dialect process store measure plan export page)

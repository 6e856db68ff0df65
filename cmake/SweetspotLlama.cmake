# Finds llama.cpp for the worker, checks that it offers what the worker uses, and makes:
#
#   sweetspot_llama                     headers, libraries and compile definitions of the llama.cpp found
#   sweetspot_worker_program(TARGET)    turns an executable target into bin/sweetspot-worker
#   sweetspot_llama_program(TARGET NAME)  the same for any other program that uses llama.cpp
#
# Definitions: SWEETSPOT_LLAMA_BUILD         "0.7.0 build 11669 (Debian)"
#              SWEETSPOT_GGML_IS_SHARED      only where the worker can stand between llama.cpp and ggml's
#                                            scheduler (src/worker/exact_reserve.hpp)
#              SWEETSPOT_HAS_MEMORY_BREAKDOWN  1 when libllama exports llama_get_memory_breakdown, else 0
#
# Beside the programs it puts links to that llama.cpp, where a bundle has it itself, so that no program has a path of
# the build machine in it:
#              llama/bin        llama-server and llama.cpp's other programs
#              llama/backends   ggml's loadable backends; missing = where ggml looks itself
#              llama/lib, llama/loader   of the private prefix only: its libraries and dynamic loader
#
# What is found first wins: CMAKE_PREFIX_PATH, the system, then the private prefix that
# scripts/setup-llama.sh assembles, which is used through the dynamic loader it brings along.

set(SWEETSPOT_LLAMA_PREFIX ${PROJECT_SOURCE_DIR}/.deps/llama CACHE PATH
    "Private llama.cpp assembled by scripts/setup-llama.sh")

set(_llama_remedy
  "Two ways to get one:\n"
  "  scripts/setup-llama.sh                       (Debian: a private copy in .deps/, the system stays as it is)\n"
  "  cmake ... -DCMAKE_PREFIX_PATH=/where/it/is   (your own: Homebrew, Nix, or built with CUDA, ROCm, Vulkan, Metal)\n"
  "docs/install.md has the details.")

find_package(llama CONFIG QUIET)
if(NOT llama_FOUND)
  find_package(llama CONFIG QUIET PATHS ${SWEETSPOT_LLAMA_PREFIX}/usr NO_DEFAULT_PATH)
endif()
if(NOT llama_FOUND)
  message(FATAL_ERROR "No llama.cpp was found (its CMake package \"llama\"). " ${_llama_remedy})
endif()

cmake_path(IS_PREFIX SWEETSPOT_LLAMA_PREFIX "${llama_DIR}" NORMALIZE SWEETSPOT_LLAMA_IS_PRIVATE)

# Where the llama.cpp that was found keeps its programs.
if(SWEETSPOT_LLAMA_IS_PRIVATE)
  set(SWEETSPOT_LLAMA_PROGRAMS ${SWEETSPOT_LLAMA_PREFIX}/bin)
else()
  set(SWEETSPOT_LLAMA_PROGRAMS ${LLAMA_BIN_DIR})
endif()
set(SWEETSPOT_LLAMA_BUILD "${LLAMA_VERSION} build ${LLAMA_BUILD_NUMBER} (${LLAMA_BUILD_COMMIT})")
set(_llama_found_as "llama.cpp ${SWEETSPOT_LLAMA_BUILD}, ggml ${GGML_VERSION}, in ${llama_DIR}")

add_library(sweetspot_llama INTERFACE)
target_link_libraries(sweetspot_llama INTERFACE llama ggml::ggml ggml::ggml-base Threads::Threads)
set(_llama_link_options)
if(SWEETSPOT_LLAMA_IS_PRIVATE)
  # Its libraries want symbols of the C library beside them, which the system's linker does not look at.
  set(_llama_link_options -Wl,--allow-shlib-undefined)
  target_link_options(sweetspot_llama INTERFACE ${_llama_link_options})
endif()

# Folders that hold loadable backends; only where ggml would not find them by itself.
set(_llama_backends "")
if(SWEETSPOT_LLAMA_IS_PRIVATE)
  file(GLOB _llama_backends ${LLAMA_LIB_DIR}/ggml/backends*)
elseif(GGML_BACKEND_DL AND NOT GGML_BACKEND_DIR)
  file(GLOB _llama_backends ${LLAMA_BIN_DIR}/*ggml-cpu*.so ${LLAMA_LIB_DIR}/*ggml-cpu*.so)
  list(TRANSFORM _llama_backends REPLACE "/[^/]*$" "")
endif()
if(_llama_backends)
  list(GET _llama_backends 0 _llama_backends)
endif()

# The checks run again only when another llama.cpp is found.
if(NOT "${_llama_found_as}" STREQUAL "${SWEETSPOT_LLAMA_CHECKED}")
  message(STATUS "Checking ${_llama_found_as}")
  try_compile(_llama_api_usable
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/llama_api_check.cpp ${CMAKE_CURRENT_LIST_DIR}/enable_c.c
    LINK_OPTIONS ${_llama_link_options} LINK_LIBRARIES llama ggml::ggml ggml::ggml-base
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON OUTPUT_VARIABLE _llama_api_output)
  if(NOT _llama_api_usable)
    string(REGEX MATCHALL "[^\n]*(error|undefined reference)[^\n]*" _llama_api_errors "${_llama_api_output}")
    list(JOIN _llama_api_errors "\n  " _llama_api_errors)
    message(FATAL_ERROR
      "Found ${_llama_found_as}, but it does not offer what Sweetspot's worker uses:\n  ${_llama_api_errors}\n"
      "Sweetspot is made for llama.cpp 0.7.0 (build 11669). Name the prefix of one near it in "
      "CMAKE_PREFIX_PATH, or on Debian let scripts/setup-llama.sh --private assemble one and name "
      "${SWEETSPOT_LLAMA_PREFIX}/usr. docs/install.md has the details.")
  endif()
  try_compile(_llama_breakdown
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/llama_breakdown_check.cpp ${CMAKE_CURRENT_LIST_DIR}/enable_c.c
    LINK_OPTIONS ${_llama_link_options} LINK_LIBRARIES llama ggml::ggml ggml::ggml-base
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
  set(SWEETSPOT_LLAMA_HAS_BREAKDOWN ${_llama_breakdown} CACHE INTERNAL "")
  set(SWEETSPOT_LLAMA_CHECKED "${_llama_found_as}" CACHE INTERNAL "")
endif()

# ELF lets a program's functions hide those of its shared libraries; static ones would collide.
get_target_property(_ggml_base ggml::ggml-base IMPORTED_LOCATION)
if(_ggml_base MATCHES "\\.so(\\.|$)")
  target_compile_definitions(sweetspot_llama INTERFACE SWEETSPOT_GGML_IS_SHARED)
  target_link_libraries(sweetspot_llama INTERFACE ${CMAKE_DL_LIBS})
endif()

message(STATUS "Using ${_llama_found_as}")
if(NOT SWEETSPOT_LLAMA_HAS_BREAKDOWN)
  message(STATUS "It does not export llama_get_memory_breakdown: memory figures will come from drivers only")
endif()

target_compile_definitions(sweetspot_llama INTERFACE
  SWEETSPOT_LLAMA_BUILD="${SWEETSPOT_LLAMA_BUILD}"
  SWEETSPOT_HAS_MEMORY_BREAKDOWN=$<BOOL:${SWEETSPOT_LLAMA_HAS_BREAKDOWN}>)

# sweetspot_llama_link(NAME TARGET): llama/NAME beside the programs; no TARGET, no link.
set(_llama_links ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/llama)
function(sweetspot_llama_link name target)
  file(REMOVE ${_llama_links}/${name})
  if(target)
    file(CREATE_LINK ${target} ${_llama_links}/${name} SYMBOLIC)
  endif()
endfunction()

set(_llama_libraries "")
set(_llama_loader "")
if(SWEETSPOT_LLAMA_IS_PRIVATE)
  set(_llama_libraries ${LLAMA_LIB_DIR})
  file(GLOB _llama_loader ${SWEETSPOT_LLAMA_PREFIX}/usr/lib64/ld-linux-*.so.*
                          ${SWEETSPOT_LLAMA_PREFIX}/usr/lib/ld-linux-*.so.*
                          ${LLAMA_LIB_DIR}/ld-linux-*.so.*)
  list(GET _llama_loader 0 _llama_loader)
endif()
file(MAKE_DIRECTORY ${_llama_links})
sweetspot_llama_link(bin "${SWEETSPOT_LLAMA_PROGRAMS}")
sweetspot_llama_link(backends "${_llama_backends}")
sweetspot_llama_link(lib "${_llama_libraries}")
sweetspot_llama_link(loader "${_llama_loader}")

# Under the private prefix's loader a sanitizer's runtime, made for the system's C library, does not work:
# then the worker of a sanitized build comes from a plain build of its own inside it.
set(SWEETSPOT_WORKER_BUILT_APART OFF)
if(SWEETSPOT_LLAMA_IS_PRIVATE AND SWEETSPOT_SANITIZE)
  set(SWEETSPOT_WORKER_BUILT_APART ON)
endif()

# More arguments are folders of libraries that the private prefix's loader would not find.
function(sweetspot_llama_program target name)
  target_link_libraries(${target} PRIVATE sweetspot_llama sweetspot_options)
  if(NOT SWEETSPOT_LLAMA_IS_PRIVATE)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
    return()
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}.bin SKIP_BUILD_RPATH ON)
  set(home "\$here")
  set(program ${name}.bin)
  set(options "")
  list(JOIN ARGN : more)
  if(more)
    string(PREPEND more :)
  endif()
  set(wrapper ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/wrapper.sh.in ${wrapper} @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

function(sweetspot_worker_program target)
  sweetspot_llama_program(${target} sweetspot-worker)
  if(SWEETSPOT_LLAMA_IS_PRIVATE)
    sweetspot_own_backends()
  endif()
endfunction()

# For llama.cpp's own programs in a bundle: src/worker/own_backends.cpp says why.
function(sweetspot_own_backends)
  add_library(sweetspot-backends MODULE ${PROJECT_SOURCE_DIR}/src/worker/own_backends.cpp)
  target_link_libraries(sweetspot-backends PRIVATE sweetspot_options)
  target_include_directories(sweetspot-backends SYSTEM PRIVATE
    $<TARGET_PROPERTY:ggml::ggml,INTERFACE_INCLUDE_DIRECTORIES>)
  set_target_properties(sweetspot-backends PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
endfunction()

# Stands in for src/worker where SWEETSPOT_WORKER_BUILT_APART: the same program, built without sanitizers.
function(sweetspot_worker_built_apart)
  set(folder ${PROJECT_BINARY_DIR}/plain-worker)
  add_custom_target(sweetspot-worker ALL
    COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR} -B ${folder} -G ${CMAKE_GENERATOR}
            --log-level=WARNING -DCMAKE_BUILD_TYPE=Release -DSWEETSPOT_SANITIZE= -DSWEETSPOT_TESTS=OFF
            -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DCMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH}
            -DSWEETSPOT_LLAMA_PREFIX=${SWEETSPOT_LLAMA_PREFIX}
    COMMAND ${CMAKE_COMMAND} --build ${folder} --target sweetspot-worker
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
    # A link and not a copy: the wrapper looks for the rest beside itself.
    COMMAND ${CMAKE_COMMAND} -E create_symlink ${folder}/bin/sweetspot-worker
            ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/sweetspot-worker
    USES_TERMINAL VERBATIM COMMENT "Building the worker without sanitizers")
endfunction()

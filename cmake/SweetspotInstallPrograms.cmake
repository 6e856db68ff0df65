# Installs the programs: sweetspot in bin, the worker and links to its llama.cpp in libexec/sweetspot, where
# src/engine/locate.cpp looks for them. That llama.cpp stays where it is; a bundle (scripts/bundle.sh) has its own.
install(TARGETS sweetspot RUNTIME DESTINATION bin COMPONENT programs)
install(TARGETS sweetspot-adapter RUNTIME DESTINATION libexec/sweetspot COMPONENT programs)
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION share COMPONENT programs)

# Of a sanitized build only the supervisor is worth installing.
if(SWEETSPOT_WORKER_BUILT_APART OR NOT SWEETSPOT_LINKED_WORKER)
  return()
endif()
set_property(TARGET sweetspot-worker PROPERTY INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS sweetspot-worker RUNTIME DESTINATION libexec/sweetspot COMPONENT programs)
if(SWEETSPOT_LLAMA_IS_PRIVATE)
  install(PROGRAMS ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/sweetspot-worker
    DESTINATION libexec/sweetspot COMPONENT programs)
endif()
install(DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/llama DESTINATION libexec/sweetspot COMPONENT programs)

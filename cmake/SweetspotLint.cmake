# What clang-tidy reads: all rooms as a handful of units. Most of its time goes into the headers of the standard library,
# fmt and nlohmann/json, once for each unit. Nobody builds this; scripts/lint.sh reads its compile commands.
get_property(rooms GLOBAL PROPERTY sweetspot_rooms)
add_library(sweetspot_lint OBJECT EXCLUDE_FROM_ALL)
foreach(room ${rooms})
  sweetspot_files_of(${room} files)
  target_sources(sweetspot_lint PRIVATE ${files})
  sweetspot_share_settings(sweetspot_lint ${room})
  get_target_property(used ${room} LINK_LIBRARIES)
  target_link_libraries(sweetspot_lint PRIVATE ${used})
endforeach()
set_target_properties(sweetspot_lint PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 70)

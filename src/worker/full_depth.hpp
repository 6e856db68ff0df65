// Decoding at the very end of the context: memory that is only taken there is taken now (R32).
#pragma once

#include "worker/answer.hpp"
#include "worker/decoder.hpp"

namespace sweetspot::worker {

/// Fills the cache of every sequence, decodes a batch of n_ubatch tokens (as many as fit, shared
/// out to all sequences) and then a few steps of one token of each sequence at its end, and empties
/// it again.
///
/// Prefilling a long context for real can take minutes, so cells are copied where the cache allows
/// it. In one that all sequences share, one decoded batch is copied over the cells: its state is
/// restored as another sequence and joined to the one that is filled. Where each sequence has a
/// part of its own, one part is decoded and copied whole to the others. The cells then all hold
/// real values that the last decodes attend to, some of them at repeated positions.
/// `on_device`: something lies on a device, whose pools grow with a piece of n_ubatch tokens there.
/// The CPU's buffers are all made with the context, so on the CPU alone a few tokens tell as much.
Answer<protocol::FullDepthResult> full_depth(Decoder& decoder, Reply& reply, bool on_device);

}  // namespace sweetspot::worker

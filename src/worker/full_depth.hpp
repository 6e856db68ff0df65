// Decoding at the very end of the context: memory that is only taken there is taken now (R32).
#pragma once

#include "worker/answer.hpp"
#include "worker/decoder.hpp"
#include "worker/outbox.hpp"

namespace sweetspot::worker {

/// Fills the context, decodes one batch of n_ubatch tokens (as many as fit) and a few tokens one at
/// a time at its end, and empties the cache again.
///
/// Prefilling a long context for real can take minutes, so where the cache allows it one decoded
/// batch is copied over the cells: its state is restored as another sequence and joined to sequence
/// 0. The cells then all hold real values that the last decodes attend to, at repeated positions.
/// `on_device`: something lies on a device, whose pools grow with a piece of n_ubatch tokens there.
/// The CPU's buffers are all made with the context, so on the CPU alone a few tokens tell as much.
Answer<protocol::FullDepthResult> full_depth(Decoder& decoder, Reply& reply, bool on_device);

}  // namespace sweetspot::worker

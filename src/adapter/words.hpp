// The words of the room answering, which every file here speaks.
#pragma once

#include "answering/answer.hpp"
#include "answering/clock.hpp"
#include "answering/outbox.hpp"

namespace sweetspot::adapter {

using answering::Answer;
using answering::fault;
using answering::FaultCode;
using answering::now_ms;
using answering::Reply;

}  // namespace sweetspot::adapter

#include "os/descriptor.hpp"

#include <unistd.h>

#include <cerrno>

namespace sweetspot::os {

void Descriptor::reset(int fd) {
  const int saved_errno = errno;
  if (fd_ >= 0) ::close(fd_);
  errno = saved_errno;
  fd_ = fd;
}

}  // namespace sweetspot::os

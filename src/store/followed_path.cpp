#include "store/followed_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <system_error>

namespace sweetspot::store {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux has it

bool is_foreign(const struct stat& link, const struct stat& folder) {
  const bool anybodys = (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
  return anybodys && link.st_uid != ::geteuid() && link.st_uid != folder.st_uid;
}

// A way through folders: what was walked has no link in it, what is left may.
class Walk {
 public:
  explicit Walk(const fs::path& path) : left_(path.begin(), path.end()) {
    std::error_code failed;
    if (!path.is_absolute()) done_ = fs::current_path(failed);
    lost_ = static_cast<bool>(failed);
  }

  [[nodiscard]] bool ended() const { return lost_ || left_.empty() || !foreign_link_.empty(); }
  [[nodiscard]] Followed result() const {
    return lost_ ? Followed{} : Followed{foreign_link_.empty() ? done_ : fs::path(), foreign_link_};
  }

  void step() {
    const fs::path part = left_.front();
    left_.pop_front();
    const bool stays = part.empty() || part == "." || part == "..";
    const fs::path next = done_ / (stays ? fs::path(".") : part);
    struct stat here = {};
    lost_ = ::lstat(next.c_str(), &here) != 0;
    if (lost_) return;
    if (S_ISLNK(here.st_mode)) {
      take_link(next, here);
    } else if (part == "..") {
      done_ = done_.parent_path();
    } else if (!stays) {
      done_ = next;
    }
  }

 private:
  void take_link(const fs::path& link, const struct stat& info) {
    struct stat folder = {};
    lost_ = ++links_ > kMostLinks || ::stat(done_.c_str(), &folder) != 0;
    if (lost_) return;
    if (is_foreign(info, folder)) {
      foreign_link_ = link;
      return;
    }
    std::error_code failed;
    const fs::path aim = fs::read_symlink(link, failed);
    lost_ = static_cast<bool>(failed);
    if (aim.is_absolute()) done_.clear();
    left_.insert(left_.begin(), aim.begin(), aim.end());
  }

  fs::path done_;
  std::deque<fs::path> left_;
  fs::path foreign_link_;
  int links_ = 0;
  bool lost_ = false;
};

}  // namespace

Followed follow(const std::string& path) {
  Walk walk(path);
  while (!walk.ended()) walk.step();
  return walk.result();
}

}  // namespace sweetspot::store

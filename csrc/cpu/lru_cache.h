// A bounded map that forgets the entry used longest ago.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace rt::cpu {

// Not synchronised: keep one per thread, or guard it.
template <class Key, class Value, class Hash>
class LruCache {
 public:
  explicit LruCache(size_t capacity) : capacity_(capacity) {}

  // The value for `key`, made by make() if it is not there. Valid until the next call.
  template <class Make>
  Value& get(const Key& key, Make&& make) {
    if (!entries_.empty() && entries_.front().first == key) return entries_.front().second;
    const auto found = index_.find(key);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return entries_.front().second;
    }
    entries_.emplace_front(key, make());
    index_.emplace(key, entries_.begin());
    if (entries_.size() > capacity_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

  size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  size_t capacity_;
  Entries entries_;  // the one used last is in front
  std::unordered_map<Key, typename Entries::iterator, Hash> index_;
};

}  // namespace rt::cpu

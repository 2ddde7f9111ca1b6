// Boost.Fiber: what fibers of one thread cost, and a channel between two threads.
#include "peer.h"

#include <boost/fiber/all.hpp>
#include <functional>
#include <memory>
#include <pthread.h>
#include <thread>
#include <vector>

namespace fibers = boost::fibers;
namespace this_fiber = boost::this_fiber;

/// Spawns a fiber on a stack of its own from malloc: no guard, the cheapest that it has.
template <class Body>
static fibers::fiber spawn(Body body, size_t stack_size = 65536) {
  return fibers::fiber(
      fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(stack_size), body);
}

static void join_all(std::vector<fibers::fiber> &all) {
  for (auto &fiber : all) fiber.join();
}

static void yields(int count) {
  long each = std::max(5, 2000000 / count);
  std::vector<fibers::fiber> all;
  all.reserve(count);
  for (int i = 0; i < count; i++) {
    all.push_back(spawn([each] { for (long k = 0; k < each; k++) this_fiber::yield(); }, 16384));
  }
  this_fiber::yield();  // the first turn touches the stacks: not counted
  uint64_t start = peer_now();
  join_all(all);
  peer_print_since(start, double(each) * count);
}

/// Batches of `batch` fibers on pooled stacks, spawned and joined.
static void spawns(int batch) {
  fibers::pooled_fixedsize_stack stacks(65536);
  int rounds = std::max(3, 200000 / batch);
  std::vector<fibers::fiber> all;
  all.reserve(batch);
  auto round = [&] {
    all.clear();
    for (int i = 0; i < batch; i++) {
      all.emplace_back(fibers::launch::post, std::allocator_arg, stacks, [] {});
    }
    join_all(all);
  };
  for (int i = 0; i < std::max(1, 1000 / batch); i++) round();
  uint64_t start = peer_now();
  for (int i = 0; i < rounds; i++) round();
  peer_print_since(start, double(rounds) * batch);
}

template <class Channel>
static void channel(Channel &channel, const long count) {
  long sum = 0;
  uint64_t start = peer_now();
  auto sender = spawn([&] {
    for (long i = 0; i < count; i++) channel.push(i);
    channel.close();
  });
  auto receiver = spawn([&] {
    long number;
    while (channel.pop(number) == fibers::channel_op_status::success) sum += number;
  });
  sender.join();
  receiver.join();
  if (sum != count * (count - 1) / 2) abort();
  peer_print_since(start, count);
}

/// Its buffered channel holds one less than its capacity, which is a power of 2.
static void channels(int capacity) {
  if (capacity == 0) {
    fibers::unbuffered_channel<long> numbers;
    channel(numbers, 500000);
  } else {
    fibers::buffered_channel<long> numbers(std::max(2, capacity));
    channel(numbers, capacity > 1 ? 2000000 : 500000);
  }
}

static void pin(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

/// A sender on the first processor, a receiver on the second.
static void across(int capacity) {
  const long count = 500000;
  fibers::buffered_channel<long> numbers(std::max(2, capacity));
  pin(1);
  long sum = 0;
  uint64_t start = peer_now();
  std::thread sender([&] {
    pin(0);
    for (long i = 0; i < count; i++) numbers.push(i);
    numbers.close();
  });
  long number;
  while (numbers.pop(number) == fibers::channel_op_status::success) sum += number;
  uint64_t end = peer_now();
  sender.join();
  if (sum != count * (count - 1) / 2) abort();
  printf("%.3f\n", double(end - start) / count);
}

/// Fibers parked at a condition: time and memory of each.
static void parked(int count) {
  long resident = peer_kilobytes("VmRSS:"), tables = peer_kilobytes("VmPTE:");
  std::vector<fibers::fiber> all;
  all.reserve(count);
  fibers::mutex mutex;
  fibers::condition_variable condition;
  bool is_open = false;
  int parked = 0;
  uint64_t start = peer_now();
  for (int i = 0; i < count; i++) {
    all.push_back(spawn([&] {
      std::unique_lock<fibers::mutex> lock(mutex);
      parked++;
      while (!is_open) condition.wait(lock);
    }));
  }
  while (parked < count) this_fiber::yield();
  printf("park %.3f\n", double(peer_now() - start) / count);
  printf("resident %.1f\n", 1024.0 * (peer_kilobytes("VmRSS:") - resident) / count);
  printf("tables %.1f\n", 1024.0 * (peer_kilobytes("VmPTE:") - tables) / count);
  start = peer_now();
  {
    std::unique_lock<fibers::mutex> lock(mutex);
    is_open = true;
  }
  condition.notify_all();
  join_all(all);
  printf("wake %.3f\n", double(peer_now() - start) / count);
}

static void mutexes(int count) {
  int each = 1000000 / count;
  fibers::mutex mutex;
  long value = 0;
  std::vector<fibers::fiber> all;
  for (int i = 0; i < count; i++) {
    all.push_back(spawn([&] {
      for (int k = 0; k < each; k++) {
        std::unique_lock<fibers::mutex> lock(mutex);
        value++;
        if (count > 1) this_fiber::yield();
      }
    }));
  }
  uint64_t start = peer_now();
  join_all(all);
  peer_print_since(start, double(each) * count);
}

/// A hundred fibers that sleep a microsecond all the time, beside `others` that sleep an hour.
static void sleeps(int others) {
  std::vector<fibers::fiber> all;
  for (int i = 0; i < others; i++) {
    spawn([i] { this_fiber::sleep_for(std::chrono::seconds(3600 + i % 977)); }, 16384).detach();
  }
  this_fiber::yield();
  const int count = 100, each = 1000;
  for (int i = 0; i < count; i++) {
    all.push_back(spawn([] {
      for (int k = 0; k < each; k++) this_fiber::sleep_for(std::chrono::microseconds(1));
    }));
  }
  uint64_t start = peer_now();
  join_all(all);
  peer_print_since(start, double(count) * each);
  fflush(stdout);
  _exit(0);  // those that sleep an hour are not waited for
}

int main(int count, char **words) {
  const std::string what = count > 1 ? words[1] : "";
  int number = count > 2 ? atoi(words[2]) : 2;
  if (what == "yield") yields(number);
  else if (what == "spawn") spawns(number);
  else if (what == "channel") channels(number);
  else if (what == "across") across(number);
  else if (what == "parked") parked(number);
  else if (what == "mutex") mutexes(number);
  else if (what == "sleep") sleeps(number);
  else return 2;
}

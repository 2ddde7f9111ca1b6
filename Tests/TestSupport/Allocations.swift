import CTestSupport

/// Whether ``allocations(in:)`` can count: not under a sanitizer, which brings its own allocator.
public let countsAllocations = ctest_counts_allocations() != 0

/// Whether this is a debug build, in which generic code may allocate more than in release.
public let isDebugBuild: Bool = {
  #if DEBUG
    true
  #else
    false
  #endif
}()

/// How many allocations the calling thread makes in `body`.
///
/// Those of other threads are not counted. Always 0 where ``countsAllocations`` is `false`.
@inline(never)
public func allocations(in body: () -> Void) -> Int {
  let before = ctest_thread_allocations()
  body()
  return Int(ctest_thread_allocations() - before)
}

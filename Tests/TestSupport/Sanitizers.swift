import Glibc

/// Whether this process runs under TSan, by looking for its runtime.
///
/// It looks at each byte of each `memcpy`, so that moving gigabytes takes minutes.
public let isThreadSanitized = dlsym(nil, "__tsan_init") != nil
/// Whether this process runs under ASan.
public let isAddressSanitized = dlsym(nil, "__asan_init") != nil
/// Whether this process runs under a sanitizer.
public let isSanitized = isThreadSanitized || isAddressSanitized
/// TSan knows at most about 8,000 threads and fibers, with a large state each.
public let sanitizerLimitsFibers = isThreadSanitized

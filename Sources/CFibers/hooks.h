// Private to CFibers: which sanitizer this build has, and the attribute of uninstrumented code.
#pragma once
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CFIB_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define CFIB_TSAN 1
#endif
#endif
#if defined(__clang__)
// `no_sanitize("thread")` would keep the hooks at entry and exit, and TSan's shadow call stack
// would be popped on another fiber than it was pushed on.
#define CFIB_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#else
#define CFIB_UNINSTRUMENTED
#endif

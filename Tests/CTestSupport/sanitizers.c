// What the sanitizers shall not report: not ours, and there in an empty test run, too.

const char *__lsan_default_suppressions(void);

/// XCTest itself leaks 368 bytes when it starts (swift 6.3.1, with no test at all).
const char *__lsan_default_suppressions(void) { return "leak:libXCTest.so\n"; }

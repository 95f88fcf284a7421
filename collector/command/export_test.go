package command

// FeedOf lets the benchmarks of the whole program dial as run does.
var FeedOf = feedOf

// AsProgram is the environment variable that makes the test's binary the program, for the
// tests that need it as a process of its own.
const AsProgram = asProgram

const asProgram = "TEST_AS_TAPEDECK"

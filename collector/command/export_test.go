package command

// FeedOf lets the benchmarks of the whole program dial as run does.
var FeedOf = feedOf

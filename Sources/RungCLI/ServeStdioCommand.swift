import ArgumentParser
import Glibc
import RungRemote

/// What `ssh://` remotes start at the other end; people have no use for it, so the list of verbs does not show it.
struct ServeStdioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve-stdio",
    abstract: "Give and take objects of a cache over standard input and output.",
    discussion: """
      This is the other end of a remote cache ssh://host/path: rung starts it there through ssh, and it speaks the \
      protocol of docs/formats/remote.md. The folder must exist.
      """,
    shouldDisplay: false)

  @Argument(help: "The folder of the cache.")
  var cache: String

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    try StdioServer(cache: cache, input: STDIN_FILENO, output: STDOUT_FILENO).serve()
  }
}

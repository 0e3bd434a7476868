import ArgumentParser
import Glibc
import RungCore

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a small working project to start from.",
    discussion: """
      Writes rung.yaml and one pipeline, pipelines/pi: how fast does a Monte Carlo estimate of π close in? It needs \
      nothing but Python. Files that are there already are left alone.
      """)

  @Argument(help: "The folder, made if it is not there.", completion: .directory)
  var folder: String = "."

  func run() throws {
    var written: [String] = []
    for (path, text) in StarterProject.files {
      if try Self.write(text, to: "\(folder)/\(path)") { written.append(path) }
    }
    guard !written.isEmpty else {
      Console.print("nothing to write: the files of the first project are all there")
      return
    }
    for path in written { Console.print("wrote \(folder == "." ? path : "\(folder)/\(path)")") }
    let prefix = folder == "." ? "" : "cd \(folder) && "
    Console.print("\nnow try:  \(prefix)rung run")
  }

  // False when the file is there already.
  private static func write(_ text: String, to path: String) throws -> Bool {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/").dropLast() {
      made += made.isEmpty || made == "/" ? "\(part)" : "/\(part)"
      if mkdir(made, 0o755) != 0 && errno != EEXIST {
        throw RequestError(message: "cannot make the folder \(made): \(String(cString: strerror(errno)))")
      }
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 {
      if errno == EEXIST { return false }
      throw RequestError(message: "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    Console.write(text, to: descriptor)
    return true
  }
}

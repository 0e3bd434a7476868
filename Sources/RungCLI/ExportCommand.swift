import ArgumentParser
import Glibc
import RungCore
import RungExec
import RungSign
import RungStore
import RungTrace

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Tell what made a file in a format that others read; check what was told so.",
    discussion: """
      Formats:
        ro-crate   a folder with the file, its sources and an RO-Crate 1.1 (Process Run Crate) that describes them
        prov       W3C PROV as PROV-JSON
        in-toto    an in-toto statement with SLSA provenance; signed when there is a key (`rung key new`)

      Only what the records say goes in. --check takes a statement, says who has signed it, and compares it with the \
      records of this cache; the exit code is 1 when anything differs.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case roCrate = "ro-crate"
    case prov
    case inToto = "in-toto"
  }

  @Argument(help: "A file, or a step instance.", completion: .file())
  var file: String?

  @Option(help: ArgumentHelp("ro-crate, prov or in-toto.", valueName: "format"))
  var format: Format?

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Write here: a new or empty folder for ro-crate, else a new file.", valueName: "path"),
    completion: .file())
  var output: String?

  @Flag(help: "ro-crate: also the files that steps on the way made, not only their digests.")
  var withIntermediates = false

  @Option(help: ArgumentHelp("ro-crate: the licence to state; records know none.", valueName: "text"))
  var license: String?

  @Option(help: ArgumentHelp("in-toto: sign with this key, a name or a file.", valueName: "key"))
  var key: String?

  @Flag(help: "in-toto: do not sign, even when there is a key.")
  var unsigned = false

  @Option(help: ArgumentHelp("Check a statement that export has written.", valueName: "statement"), completion: .file())
  var check: String?

  @Option(
    name: .customLong("public"),
    help: ArgumentHelp(
      "--check: who must have signed, a key's name or file; without it, any key of yours.", valueName: "key"),
    completion: .file())
  var publicKey: String?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "--check: print JSON, for programs.")
  var json = false

  func validate() throws {
    if check == nil {
      guard file != nil, let format else {
        throw ValidationError("name a FILE and a --format, or a statement to --check")
      }
      if format == .roCrate, output == nil { throw ValidationError("--format ro-crate wants a folder, -o FOLDER") }
      if format != .roCrate, withIntermediates || license != nil {
        throw ValidationError("--with-intermediates and --license are for ro-crate")
      }
      if format != .inToto, key != nil || unsigned { throw ValidationError("--key and --unsigned are for in-toto") }
      if key != nil, unsigned { throw ValidationError("--key and --unsigned exclude each other") }
      if publicKey != nil || json { throw ValidationError("--public and --json are for --check") }
    } else if file != nil || format != nil || output != nil || key != nil || unsigned {
      throw ValidationError("--check takes no FILE and nothing that is for writing")
    }
  }

  func run() throws {
    if let check { return try StatementReport.report(check, publicKey, project, json: json) }
    guard let file, let format else { return }
    let traced = try TracedFile(project)
    let trace = try traced.trace(file)
    tell(trace.lineage.incomplete.map(\.message), "the lineage is not complete")
    switch format {
    case .prov: try write(Array(trace.prov.pretty.utf8) + [10])
    case .inToto: try write(statement(trace))
    case .roCrate: try writeCrate(trace, traced.store)
    }
  }

  // MARK: a statement

  private func statement(_ trace: Trace) throws -> [UInt8] {
    guard let statement = trace.statement else {
      throw RequestError(message: "the record of \(trace.subject.instance) cannot be read: there is nothing to state")
    }
    guard let key = try signingKey() else {
      if !unsigned { Console.complain("not signed: there is no key (`rung key new` makes one)") }
      return statement.compactBytes + [10]
    }
    return Envelope(statement: statement, key: key).bytes
  }

  private func signingKey() throws -> SecretKey? {
    if unsigned { return nil }
    do {
      if let key, key.contains("/") { return try KeyFolder.secretKey(at: key) }
      guard let folder = KeyFolder(variables: callerVariables()) else {
        if let key { throw RequestError(message: "there is no key '\(key)': neither XDG_CONFIG_HOME nor HOME is set") }
        return nil
      }
      let names = folder.names
      if let key { return try names.contains(key) ? folder.secretKey(key) : KeyFolder.secretKey(at: key) }
      if names.isEmpty { return nil }
      if names.contains(KeyFolder.standardName) { return try folder.secretKey(KeyFolder.standardName) }
      guard names.count == 1 else {
        throw RequestError(
          message: "there are several keys and none is called '\(KeyFolder.standardName)'",
          hints: ["say which: --key \(names.joined(separator: ", --key "))"])
      }
      return try folder.secretKey(names[0])
    } catch let problem as KeyFolder.Problem {
      throw RequestError(message: problem.description)
    }
  }

  private func write(_ bytes: [UInt8]) throws {
    guard let output else {
      Console.print(String(decoding: bytes, as: UTF8.self), terminator: "")
      return
    }
    let file = fopen(output, "wxe")
    guard let file else {
      let there = errno == EEXIST
      throw RequestError(
        message: there ? "\(output) is there already" : "cannot write \(output): \(String(cString: strerror(errno)))",
        hints: there ? ["nothing was written: remove it, or choose another name"] : [])
    }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else {
      unlink(output)
      throw TraceError(.unwritable, "cannot write all of \(output): \(String(cString: strerror(errno)))")
    }
  }

  // MARK: a crate

  private func writeCrate(_ trace: Trace, _ store: ObjectStore) throws {
    guard let output else { return }
    let crate = trace.crate(CrateOptions(intermediates: withIntermediates, license: license)) {
      $0 == .empty || store.contains($0)
    }
    let isNew = try makeEmpty(output)
    do {
      try crate.write(to: output, from: store)
    } catch {
      // All in it is what was written here: it was empty.
      try? removeTree(output)
      if !isNew { mkdir(output, 0o755) }
      throw error
    }
    tell(crate.absent, "only by its digest, since the cache does not have it")
    let count = crate.payload.count
    Console.print(
      "wrote \(output): \(count == 1 ? "1 file or folder" : "\(count) files and folders") and \(Crate.metadataName)")
  }

  // Makes the folder, or sees that it is empty; says whether it made it.
  private func makeEmpty(_ path: String) throws -> Bool {
    if mkdir(path, 0o755) == 0 { return true }
    guard errno == EEXIST else {
      throw RequestError(message: "cannot make the folder \(path): \(String(cString: strerror(errno)))")
    }
    // A link would be followed by some calls and removed by others.
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0, let folder = fdopendir(descriptor) else {
      throw RequestError(message: "\(path) is there already and is no folder", hints: ["choose another name"])
    }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name == "." || name == ".." else {
        throw RequestError(
          message: "the folder \(path) is not empty", hints: ["nothing was written: choose a new one"])
      }
    }
    return false
  }

  private func tell(_ messages: [String], _ what: String) {
    for message in messages.prefix(5) { Console.complain("\(what): \(message)") }
    if messages.count > 5 { Console.complain("\(what): \(messages.count - 5) more") }
  }
}

import Glibc
import RungCore
import RungExec
import Synchronization
import Testing

/// Python environments: identified cheaply, built once. Without a network: the locks name no packages.
@Suite struct PythonEnvironmentTests {
  let bench: Bench
  let environments: PythonEnvironments
  let lock = Array("# nothing needed\n".utf8)
  static let python = "/usr/bin/python3"

  init() throws {
    bench = try Bench()
    // PATH without uv: the slower way, which every machine has.
    environments = PythonEnvironments(
      folder: bench.place("envs"), variables: [("PATH", "/usr/bin:/bin"), ("HOME", bench.folder)])
  }

  private func identify(
    _ lock: [UInt8]? = nil, interpreter: String? = python, path: String = "/usr/bin:/bin", memo: Notes = Notes()
  ) throws -> PythonEnvironment {
    try environments.identify(lock: lock ?? self.lock, interpreter: interpreter, path: path, memo: memo.memo)
  }

  @Test func theSecondTimeNothingIsRun() throws {
    let notes = Notes()
    let first = try identify(memo: notes)
    #expect(notes.written == 1 && notes.hits == 0)
    #expect(try identify(memo: notes) == first)
    #expect(notes.written == 1 && notes.hits == 1)
    #expect(first.interpreterVersion.hasPrefix("CPython 3."))
    #expect(first.platform.hasPrefix("linux-"))
    #expect(first.interpreterPath.hasPrefix("/usr/bin/python3"))
    #expect(first.interpreterDigest != nil)
    #expect(first.folder == "\(environments.folder)/\(first.identity.hex.prefix(32))")
    #expect(first.lockDigest == Digest(of: lock))
  }

  @Test func theLockIsPartOfTheIdentityAndTheFolderIsNot() throws {
    let first = try identify()
    #expect(try identify(Array("numpy==2.0\n".utf8)).identity != first.identity)
    let elsewhere = PythonEnvironments(folder: bench.place("other"))
    let same = try elsewhere.identify(lock: lock, interpreter: Self.python, path: "", memo: Notes().memo)
    #expect(same.identity == first.identity && same.folder != first.folder)
  }

  @Test func aMemoThatMakesNoSenseIsNotBelieved() throws {
    let notes = Notes(answer: "rubbish")
    #expect(try identify(memo: notes) == identify())
  }

  @Test func scriptsThatPassForPythonArePassedOver() throws {
    // A shim first on PATH, as pyenv installs it; then a link to the real one.
    for name in ["shims", "real"] { mkdir(bench.place(name), 0o755) }
    let shim = bench.place("shims/python3")
    let file = open(shim, O_CREAT | O_WRONLY, 0o755)
    _ = "#!/bin/sh\nexit 1\n".withCString { write(file, $0, strlen($0)) }
    close(file)
    symlink(Self.python, bench.place("real/python3"))
    let found = try identify(interpreter: nil, path: "\(bench.place("shims")):\(bench.place("real")):/nowhere")
    #expect(try found == identify())

    let script = #expect(throws: EnvironmentError.self) { try identify(interpreter: nil, path: bench.place("shims")) }
    #expect(script?.description.contains("is a script, not a Python interpreter") == true)
    let missing = #expect(throws: EnvironmentError.self) { try identify(interpreter: "python2.4") }
    #expect(missing?.description.contains("no Python interpreter 'python2.4' on PATH") == true)
    let wrong = #expect(throws: EnvironmentError.self) { try identify(interpreter: "/bin/ls") }
    #expect(wrong?.description.contains("does not answer as a Python 3 interpreter should") == true)
  }

  @Test func anEnvironmentIsBuiltOnceHoweverManyWantIt() throws {
    let environment = try identify()
    #expect(!environments.isBuilt(environment))
    let made = Mutex(0)
    let failed = Mutex<[String]>([])
    let environments = environments
    let lock = lock
    let wanting: @Sendable () -> Void = {
      do {
        try environments.build(environment, lock: lock) { word in
          if word.hasPrefix("making") { made.withLock { $0 += 1 } }
        }
      } catch {
        failed.withLock { $0.append("\(error)") }
      }
    }
    onThreads([wanting, wanting, wanting])
    #expect(failed.withLock(\.self) == [])
    #expect(made.withLock(\.self) == 1)
    #expect(environments.isBuilt(environment))

    // A step finds it through PATH, and cannot change what others use.
    let result = bench.sh(
      "python -c 'import sys; print(sys.prefix, sys.version_info[0])'; [ ! -w \(environment.folder)/pyvenv.cfg ] || id -u",
      variables: [("PATH", "\(environment.binFolder):/usr/bin:/bin")])
    #expect(result.logTail.first == "\(environment.folder) 3")
    #expect(result.logTail.dropFirst().allSatisfy { $0 == "0" })  // modes do not bind root

    // Half a build, as a killed one leaves it: wiped and made again.
    unlink("\(environment.folder)/.rung-complete")
    close(open("\(environment.folder)/rubbish", O_CREAT | O_WRONLY, 0o600))
    try environments.build(environment, lock: lock)
    #expect(environments.isBuilt(environment) && !exists("\(environment.folder)/rubbish"))
  }

  @Test func whatPipSaysIsInTheError() throws {
    // The hash cannot match, and the file is not there: no network is asked.
    let lock = Array(
      "nothing @ file:///nonexistent/nothing-1.0-py3-none-any.whl \\\n  --hash=sha256:\(String(repeating: "0", count: 64))\n"
        .utf8)
    let environment = try identify(lock)
    let error = #expect(throws: EnvironmentError.self) { try environments.build(environment, lock: lock) }
    #expect(error?.description.hasPrefix("pip could not install the packages (exit status 1)\n") == true)
    #expect(error?.description.contains("/nonexistent/nothing") == true)
    #expect(!environments.isBuilt(environment))
  }

  @Test func aLockThatChangedMeanwhileIsNotInstalled() throws {
    let environment = try identify()
    #expect(throws: EnvironmentError.self) { try environments.build(environment, lock: Array("other".utf8)) }
    #expect(!exists(environment.folder))
  }
}

/// A memo that counts.
private final class Notes: Sendable {
  private let state: Mutex<(values: [String: String], written: Int, hits: Int)>
  private let answer: String?

  init(answer: String? = nil) {
    state = Mutex((values: [:], written: 0, hits: 0))
    self.answer = answer
  }

  var written: Int { state.withLock(\.written) }
  var hits: Int { state.withLock(\.hits) }

  var memo: PythonEnvironments.Memo {
    PythonEnvironments.Memo(
      get: { key in
        self.state.withLock { state in
          if let answer = self.answer { return answer }
          state.hits += state.values[key] == nil ? 0 : 1
          return state.values[key]
        }
      },
      set: { key, value in
        self.state.withLock { state in
          state.values[key] = value
          state.written += 1
        }
      })
  }
}

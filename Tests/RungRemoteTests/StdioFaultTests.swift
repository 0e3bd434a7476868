import Glibc
import RungCore
import RungRemote
import RungStore
import RungWire
import Testing

/// What can be wrong at the other end of ssh, and what comes to that end.
@Suite struct StdioFaultTests {
  /// A remote whose ssh is this shell script; `$2` is the command.
  private func remote(_ scene: Scene, _ script: String, _ own: [String: String] = [:]) throws -> any RemoteStorage {
    try scene.write("#!/bin/sh\n\(script)\n", to: "ssh", mode: 0o755)
    return try scene.remote(
      "ssh://there\(scene.folder)/far",
      ["RUNG_SSH": "\(scene.folder)/ssh", "RUNG_SSH_RUNG": Program.built("rung")].merging(own) { $1 })
  }

  private func look(_ script: String, _ own: [String: String] = [:]) throws -> RemoteError {
    let scene = try Scene()
    mkdir("\(scene.folder)/far", 0o755)
    return trouble { _ = try remote(scene, script, own).present([Digest(ofText: "x")]) }
  }

  @Test func theEndsOfSSHAreToldApart() throws {
    let refused = try look("echo 'ssh: connect to host there port 22: Connection refused' >&2; exit 255")
    #expect(refused.kind == .unreachable && refused.message.contains("Connection refused"), "\(refused)")
    #expect(try look("echo 'me@there: Permission denied (publickey).' >&2; exit 255").kind == .forbidden)
    #expect(try look("echo 'Host key verification failed.' >&2; exit 255").kind == .untrusted)
    let absent = try look("echo 'rung: command not found' >&2; exit 127")
    #expect(absent.kind == .strange && absent.message.contains("RUNG_SSH_RUNG"), "\(absent)")
    let chatty = try look("echo 'Welcome to the cluster, the motto of the day is long'; shift; exec sh -c \"$*\"")
    #expect(chatty.kind == .strange && chatty.message.contains("does a shell there print"), "\(chatty)")
    let stalled = try look("exec tail -f /dev/null", ["RUNG_REMOTE_STALL": "1"])
    #expect(stalled.kind == .unreachable && stalled.message.contains("stopped answering"), "\(stalled)")
  }

  @Test func aFolderThatIsNotThereIsNotMade() throws {
    let scene = try Scene()
    let error = trouble { _ = try remote(scene, "shift; exec sh -c \"$*\"").present([Digest(ofText: "x")]) }
    #expect(error.message.contains("there is no folder \(scene.folder)/far"), "\(error)")
    #expect(access("\(scene.folder)/far", F_OK) != 0)
  }

  @Test func aConnectionThatBreaksInTheMiddleIsToldAndGoneOnWith() throws {
    let scene = try Scene()
    mkdir("\(scene.folder)/far", 0o755)
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [100] + Array(repeating: 1_000_000, count: 30))
    let cut = try remote(scene, "shift; dd bs=1M count=40 2>/dev/null | sh -c \"$*\"")
    let error = trouble { _ = try cut.push(objects, from: mine) }
    #expect(error.kind == .unreachable, "\(error)")
    let rest = try remote(scene, "shift; exec sh -c \"$*\"").push(objects, from: mine)
    #expect(rest.moved + rest.skipped == 31 && rest.skipped >= 1 && rest.moved > 0, "\(rest.moved) \(rest.skipped)")
    #expect(try ObjectStore(path: "\(scene.folder)/far").check().damaged.isEmpty)
  }

  /// Speaks with a server in words of its own; gives what it threw in the end.
  private func speak(_ scene: Scene, _ body: (FramePipe, Int32) throws -> Void) throws -> RemoteError? {
    mkdir("\(scene.folder)/far", 0o755)
    var ends: [Int32] = [-1, -1]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let theirs = ends[1]
    // As the command does.
    signal(SIGPIPE, SIG_IGN)
    let ended = Ending()
    let cache = "\(scene.folder)/far"
    Thread.start {
      do {
        try StdioServer(cache: cache, input: theirs, output: theirs).serve()
        ended.set(nil)
      } catch {
        ended.set(error as? RemoteError)
      }
      close(theirs)
    }
    try body(FramePipe(socket: ends[0]), ends[0])
    close(ends[0])
    return ended.wait()
  }

  private func greet(_ pipe: FramePipe) throws {
    var hello = WireWriter()
    hello.add(StdioTalk.mark)
    hello.add(StdioTalk.version)
    try pipe.send(StdioTalk.Ask.hello.rawValue, 0, hello.bytes)
    #expect(try pipe.receive().kind == StdioTalk.Answer.hello.rawValue)
  }

  @Test func nonsenseEndsTheConversation() throws {
    let nonsense: [[UInt8]] = [
      [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 99, 0, 0, 0, 0],
      [5, 0, 0, 0, 3, 0, 0, 0, 0], [6, 0, 0, 0, 2, 0, 0, 0, 0, 7], [5, 0, 0, 0, 7, 0, 0, 0, 0],
      [5, 0, 0, 0, 8, 0, 0, 0, 0],
    ]
    for bytes in nonsense {
      let scene = try Scene()
      let error = try speak(scene) { pipe, file in
        try greet(pipe)
        _ = write(file, bytes, bytes.count)
        #expect(throws: WireError.closed) { _ = try pipe.receive() }
      }
      #expect(error?.kind == .strange, "\(bytes)")
    }
  }

  @Test func bytesWithAnotherDigestAreNotKept() throws {
    let scene = try Scene()
    let (right, wrong) = (Digest(ofText: "right"), Digest(ofText: "something else"))
    let error = try speak(scene) { pipe, _ in
      try greet(pipe)
      for (number, digest) in [right, wrong].enumerated() {
        var head = WireWriter()
        head.add(Int64(5))
        try pipe.send(StdioTalk.Ask.put.rawValue, UInt32(number), digest.bytes + head.bytes)
        try pipe.send(StdioTalk.Ask.data.rawValue, UInt32(number), Array("right".utf8))
        try pipe.send(StdioTalk.Ask.end.rawValue, UInt32(number))
      }
      #expect(try pipe.receive().kind == StdioTalk.Answer.done.rawValue)
      let answer = try pipe.receive()
      #expect(answer.kind == StdioTalk.Answer.failed.rawValue)
      #expect(answer.body.first == StdioTalk.Failure.damaged.rawValue)
    }
    #expect(error == nil)
    let store = try ObjectStore(path: "\(scene.folder)/far")
    #expect(store.contains(right) && !store.contains(wrong))
  }

  @Test func moreBytesThanWereAnnouncedEndTheConversation() throws {
    let scene = try Scene()
    let error = try speak(scene) { pipe, _ in
      try greet(pipe)
      var head = WireWriter()
      head.add(Int64(4))
      try pipe.send(StdioTalk.Ask.put.rawValue, 1, Digest(ofText: "right").bytes + head.bytes)
      try pipe.send(StdioTalk.Ask.data.rawValue, 1, Array("right".utf8))
      #expect(throws: WireError.closed) { _ = try pipe.receive() }
    }
    #expect(error?.kind == .strange)
  }
}

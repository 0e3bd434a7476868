import Glibc
import RungCore
import RungRemote
import RungStore
import Testing

/// What servers on the web may do wrong, or say.
@Suite struct WebFaultTests {
  /// A store with some objects, and what became of pushing or pulling one of them.
  private func pull(_ server: HostileServer, _ own: [String: String] = [:], _ bytes: [UInt8] = Self.object) throws
    -> TransferOutcome
  {
    let scene = try Scene()
    return try scene.remote(server.address, own).pull([Digest(of: bytes)], into: scene.cache("yours"))
  }

  private static let object = Scene.bytes(1, 200_000)

  // MARK: connections

  @Test func aStalledConnectionIsGivenUp() throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
      connection.send(Array(Self.object[..<1000]))
      connection.waitForEnd()
    }
    let error = trouble { _ = try pull(server, ["RUNG_REMOTE_STALL": "1"]) }
    #expect(error.kind == .unreachable)
    #expect(error.message.contains("stopped answering"), "\(error)")
    #expect(server.asked.count == 4)
    // What came already is not asked for again.
    #expect(server.asked.dropFirst().allSatisfy { $0.lowercased().contains("range: bytes=") })
  }

  @Test func aDroppedConnectionIsGoneOnWith() throws {
    let server = try HostileServer { connection in
      guard let request = connection.request()?.lowercased() else { return }
      if let range = request.firstRange(of: "range: bytes=") {
        let from = Int(request[range.upperBound...].prefix { $0.isNumber }) ?? 0
        let rest = Array(Self.object[from...])
        connection.send("HTTP/1.1 206 Partial Content\r\nContent-Length: \(rest.count)\r\n")
        connection.send("Content-Range: bytes \(from)-199999/200000\r\nConnection: close\r\n\r\n")
        connection.send(rest)
      } else {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        connection.send(Array(Self.object[..<150_000]))
      }
    }
    let outcome = try pull(server)
    #expect(outcome.moved == 1 && outcome.failed.isEmpty)
    #expect(server.asked.count == 2)
  }

  @Test func aServerThatCannotGoOnSendsAllOfItAgain() throws {
    let server = try HostileServer { connection in
      guard let request = connection.request()?.lowercased() else { return }
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n")
      connection.send(request.contains("range:") ? Self.object : Array(Self.object[..<150_000]))
    }
    #expect(try pull(server).moved == 1)
  }

  @Test func aConnectionThatIsDroppedEachTimeIsTold() throws {
    let server = try HostileServer { connection in _ = connection.request() }
    let error = trouble { _ = try pull(server) }
    #expect(error.kind == .unreachable, "\(error)")
    #expect(server.asked.count >= 4)
  }

  @Test func whereNobodyListensNothingIsReached() throws {
    let scene = try Scene()
    let address = "http://127.0.0.1:\(try TCP.freePort())/lab"
    let error = trouble { _ = try scene.remote(address).present([Digest(ofText: "x")]) }
    #expect(error.kind == .unreachable)
    #expect(error.message.contains(address))
  }

  @Test func anUploadThatIsCutIsTriedAgain() throws {
    let scene = try Scene()
    let mine = try scene.cache("mine")
    let objects = try Scene.fill(mine, [5 << 20])
    let server = try HostileServer { connection in
      while let request = connection.request() {
        if request.hasPrefix("HEAD") {
          connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        } else {
          return
        }
      }
    }
    let error = trouble { _ = try scene.remote(server.address).push(objects, from: mine) }
    #expect(error.kind == .unreachable, "\(error)")
    #expect(server.asked.count { $0.hasPrefix("PUT") } == 4)
  }

  // MARK: bodies that lie

  @Test func anotherBodyIsDamaged() throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    }
    let outcome = try pull(server)
    #expect(outcome.failed[Digest(of: Self.object)]?.kind == .damaged)
  }

  @Test func aLengthThatIsTooLongIsNotWaitedForEndlessly() throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n")
      connection.send(Self.object)
    }
    let error = trouble { _ = try pull(server) }
    #expect(error.kind == .unreachable, "\(error)")
  }

  @Test func aLengthThatIsTooShortGivesADamagedObject() throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n")
      connection.send(Self.object)
    }
    #expect(try pull(server).failed[Digest(of: Self.object)]?.kind == .damaged)
  }

  @Test(arguments: [true, false]) func noBodyIsLongerThanTheLimit(_ isAnnounced: Bool) throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\n\(isAnnounced ? "Content-Length: 200000\r\n" : "")Connection: close\r\n\r\n")
      connection.send(Self.object)
    }
    let outcome = try pull(server, ["RUNG_REMOTE_LIMIT": "100000"])
    let error = try #require(outcome.failed[Digest(of: Self.object)])
    #expect(error.kind == .damaged)
    #expect(error.message.contains("more bytes than are allowed"))
  }

  @Test func aResultThatIsTooLongIsRefused() throws {
    let scene = try Scene()
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n")
      connection.waitForEnd()
    }
    #expect(trouble { _ = try scene.remote(server.address).result(Digest(ofText: "k")) }.kind == .damaged)
  }

  @Test func whatIsNoHTTPIsStrangeOrUnreachable() throws {
    let server = try HostileServer { connection in
      _ = connection.request()
      connection.send("SSH-2.0-OpenSSH_9.2\r\n")
    }
    let error = trouble { _ = try pull(server) }
    #expect([.strange, .unreachable].contains(error.kind), "\(error)")
  }

  // MARK: answers

  /// A server that answers every look with 404 and every other request with one status.
  private func answering(_ status: Int, _ more: String = "") throws -> HostileServer {
    try HostileServer { connection in
      while let request = connection.request() {
        let code = request.hasPrefix("HEAD") ? 404 : status
        connection.send("HTTP/1.1 \(code) X\r\nContent-Length: 0\r\n\(code == status ? more : "")\r\n")
        if request.hasPrefix("PUT") { connection.skip(1000) }
      }
    }
  }

  private func push(_ server: HostileServer, _ own: [String: String] = [:]) throws -> TransferOutcome {
    let scene = try Scene()
    let mine = try scene.cache("mine")
    return try scene.remote(server.address, own).push(try Scene.fill(mine, [1000]), from: mine)
  }

  @Test(arguments: [
    (401, RemoteError.Kind.forbidden, "wants credentials"), (403, .forbidden, "forbids"), (405, .full, "read-only"),
    (507, .full, "is full"), (404, .strange, "takes no uploads"), (409, .strange, "create_full_put_path"),
    (302, .strange, "another address"), (503, .unreachable, "503"), (418, .strange, "418"),
  ]) func whatAnUploadIsAnswered(_ status: Int, _ kind: RemoteError.Kind, _ words: String) throws {
    let server = try answering(status, status == 302 ? "Location: http://127.0.0.1:1/\r\n" : "")
    // Where a look succeeds the server answers others: then it is this object alone.
    do {
      let outcome = try push(server)
      let error = try #require(outcome.failed.values.first)
      #expect(error.kind == kind && error.message.contains(words), "\(error)")
      #expect(status == 503)
    } catch let error as RemoteError {
      #expect(error.kind == kind && error.message.contains(words), "\(error)")
    }
  }

  @Test func anObjectThatIsTooLargeForTheServerIsTheOnlyOne() throws {
    let outcome = try push(try answering(413))
    #expect(outcome.failed.values.first?.kind == .full)
  }

  @Test func credentialsThatAreRefusedAreNotRepeated() throws {
    let server = try answering(401)
    let error = trouble { _ = try push(server, ["RUNG_REMOTE_TOKEN": "s3cret-token"]) }
    #expect(error.kind == .forbidden)
    #expect(error.message.contains("RUNG_REMOTE_TOKEN") && !error.message.contains("s3cret"), "\(error)")
    #expect(server.asked.allSatisfy { $0.contains("Authorization: Bearer s3cret-token") })
  }

  @Test func aRedirectInCirclesEnds() throws {
    let server = try HostileServer { connection in
      while let request = connection.request() {
        let path = request.split(separator: " ").dropFirst().first ?? "/"
        connection.send("HTTP/1.1 302 X\r\nLocation: \(path)\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let error = trouble { _ = try pull(server) }
    #expect(error.kind == .strange)
    #expect(error.message.contains("without end"), "\(error)")
    #expect(server.asked.count == 6)
  }

  @Test func credentialsDoNotFollowARedirectToAnotherServer() throws {
    let other = try HostileServer { connection in
      _ = connection.request()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n")
      connection.send(Self.object)
    }
    let port = other.port
    let server = try HostileServer { connection in
      while connection.request() != nil {
        connection.send("HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:\(port)/x\r\nContent-Length: 0\r\n\r\n")
      }
    }
    #expect(try pull(server, ["RUNG_REMOTE_USER": "me", "RUNG_REMOTE_PASSWORD": "secret"]).moved == 1)
    #expect(server.asked.allSatisfy { $0.contains("Authorization: Basic ") })
    #expect(other.asked.count == 1 && !other.asked.contains { $0.contains("Authorization") })
  }

  @Test func theProgramThatIsMissingIsNamed() throws {
    let scene = try Scene()
    let error = trouble { _ = try scene.remote("http://127.0.0.1:1/x", ["RUNG_TRANSFER": "/nowhere"]) }
    #expect(error.kind == .local)
    #expect(error.message.contains("rung-transfer"))
  }
}

extension String {
  fileprivate func firstRange(of word: String) -> Range<Index>? { ranges(of: word).first }
}

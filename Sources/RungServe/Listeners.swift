import NIOCore
import NIOHTTP1
import Synchronization

/// Browsers that listen to events.
final class Listeners: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: (name: String, channel: any Channel)] = [:]
    // The newest event of each kind, for those who come later.
    var last: [String: [(event: String, text: String)]] = [:]
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.channels.count } }

  var channels: Set<String> { state.withLock { Set($0.channels.values.map(\.name)) } }

  /// Takes in a browser, and tells it what was said last.
  func add(_ channel: any Channel, to name: String) {
    let last = state.withLock { state in
      state.channels[ObjectIdentifier(channel)] = (name, channel)
      return state.last[name] ?? []
    }
    for entry in last { write(entry.text, to: channel) }
  }

  /// Forgets one that has gone.
  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// Sends to all of a channel.
  func send(_ text: String, to name: String, event: String) {
    let channels = state.withLock { state in
      var last = state.last[name] ?? []
      last.removeAll { $0.event == event }
      last.append((event, text))
      state.last[name] = last
      return state.channels.values.filter { $0.name == name }.map(\.channel)
    }
    for channel in channels { write(text, to: channel) }
  }

  // One that does not keep up gets nothing more until it has caught up: each event says how things are, not what changed.
  private func write(_ text: String, to channel: any Channel) {
    guard channel.isWritable else { return }
    let buffer = channel.allocator.buffer(string: text)
    channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(buffer)), promise: nil)
  }
}

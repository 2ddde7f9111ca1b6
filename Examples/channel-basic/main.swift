// A producer and a consumer with a channel between them that holds two numbers.
import Fibers

func produceAndConsume() throws {
  let numbers = Channel<Int>(capacity: 2, name: "numbers")

  try Fiber.spawn(name: "producer") {
    for number in 1...5 {
      print("sending \(number)")
      try numbers.send(number)
    }
    numbers.close()
    print("closed")
  }

  try Fiber.spawn(name: "consumer") {
    for number in numbers { print("received \(number)") }
    print("the channel is drained")
  }

  try Fiber.run()
}

try produceAndConsume()

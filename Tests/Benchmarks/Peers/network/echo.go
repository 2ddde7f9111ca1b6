// Go: sends back what it gets. Prints where it listens. GOMAXPROCS=1 for one processor.
package main

import (
	"fmt"
	"net"
)

func echo(connection net.Conn) {
	defer connection.Close()
	bytes := make([]byte, 16384)
	for {
		count, err := connection.Read(bytes)
		if err != nil {
			return
		}
		if _, err = connection.Write(bytes[:count]); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	for {
		if connection, err := listener.Accept(); err == nil {
			go echo(connection)
		}
	}
}

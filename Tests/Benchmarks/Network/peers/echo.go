// Sends back what it gets. usage: echo PORT
package main

import (
	"net"
	"os"
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
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		if connection, err := listener.Accept(); err == nil {
			go echo(connection)
		}
	}
}

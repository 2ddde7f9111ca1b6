// Go: answers each request with a page of 13 bytes. Prints where it listens.
package main

import (
	"fmt"
	"net"
	"net/http"
)

func main() {
	body := []byte("Hello, world\n")
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
		answer.Write(body)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, nil))
}

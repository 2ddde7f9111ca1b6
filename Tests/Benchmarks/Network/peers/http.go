// Answers each request with 13 bytes. usage: http PORT
package main

import (
	"net/http"
	"os"
)

func main() {
	body := []byte("Hello, world\n")
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", "text/plain")
		answer.Write(body)
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

// Go: what goroutines cost. GOMAXPROCS=1 for one processor, 2 for what goes across two.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

func printEach(start time.Time, count int) {
	fmt.Printf("%.3f\n", float64(time.Since(start).Nanoseconds())/float64(count))
}

// A field of /proc/self/status in KiB.
func kilobytes(field string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, field) {
			value, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			return value
		}
	}
	return 0
}

func yields(count int) {
	each := 2000000 / count
	if each < 5 {
		each = 5
	}
	var all sync.WaitGroup
	all.Add(count)
	gate := make(chan struct{})
	for i := 0; i < count; i++ {
		go func() {
			<-gate
			for k := 0; k < each; k++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	runtime.Gosched()
	start := time.Now()
	close(gate)
	all.Wait()
	printEach(start, each*count)
}

func spawns(batch int) {
	if batch == 1 {
		const count = 200000
		done := make(chan struct{})
		start := time.Now()
		for i := 0; i < count; i++ {
			go func() { done <- struct{}{} }()
			<-done
		}
		printEach(start, count)
		return
	}
	rounds := 200000 / batch
	if rounds < 3 {
		rounds = 3
	}
	start := time.Now()
	for k := 0; k < rounds; k++ {
		var all sync.WaitGroup
		all.Add(batch)
		for i := 0; i < batch; i++ {
			go func() { all.Done() }()
		}
		all.Wait()
	}
	printEach(start, rounds*batch)
}

func channels(capacity int) {
	const count = 1000000
	numbers := make(chan int, capacity)
	sum := 0
	done := make(chan struct{})
	start := time.Now()
	go func() {
		for i := 0; i < count; i++ {
			numbers <- i
		}
		close(numbers)
	}()
	go func() {
		for number := range numbers {
			sum += number
		}
		close(done)
	}()
	<-done
	printEach(start, count)
	if sum != count*(count-1)/2 {
		panic("lost a number")
	}
}

func pingPong() {
	const count = 300000
	there, back := make(chan int), make(chan int)
	go func() {
		for number := range there {
			back <- number
		}
	}()
	start := time.Now()
	for i := 0; i < count; i++ {
		there <- i
		<-back
	}
	printEach(start, count)
}

func selects() {
	const count = 500000
	numbers, quit := make(chan int), make(chan struct{})
	go func() {
		for i := 0; i < count; i++ {
			numbers <- i
		}
		close(quit)
	}()
	start := time.Now()
	for open := true; open; {
		select {
		case <-numbers:
		case <-quit:
			open = false
		}
	}
	printEach(start, count)
}

func parked(count int) {
	resident, tables := kilobytes("VmRSS:"), kilobytes("VmPTE:")
	var all sync.WaitGroup
	all.Add(count)
	gate := make(chan struct{})
	parked := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			parked++
			<-gate
			all.Done()
		}()
	}
	for parked < count {
		runtime.Gosched()
	}
	fmt.Print("park ")
	printEach(start, count)
	fmt.Printf("resident %.1f\n", 1024*(kilobytes("VmRSS:")-resident)/float64(count))
	fmt.Printf("tables %.1f\n", 1024*(kilobytes("VmPTE:")-tables)/float64(count))
	start = time.Now()
	close(gate)
	all.Wait()
	fmt.Print("wake ")
	printEach(start, count)
}

func mutexes(count int) {
	each := 1000000 / count
	var mutex sync.Mutex
	var all sync.WaitGroup
	all.Add(count)
	value := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			for k := 0; k < each; k++ {
				mutex.Lock()
				value++
				if count > 1 {
					runtime.Gosched()
				}
				mutex.Unlock()
			}
			all.Done()
		}()
	}
	all.Wait()
	printEach(start, each*count)
}

// Goroutines that sleep an hour.
func sleepers(count int) {
	for i := 0; i < count; i++ {
		i := i
		go func() { time.Sleep(time.Duration(3600+i%977) * time.Second) }()
	}
	for i := 0; i < 10; i++ {
		runtime.Gosched()
	}
}

// A timer set and stopped, beside others.
func timers(others int) {
	sleepers(others)
	const count = 300000
	start := time.Now()
	for i := 0; i < count; i++ {
		time.NewTimer(10 * time.Second).Stop()
	}
	printEach(start, count)
}

// A hundred goroutines that sleep a microsecond all the time, beside others.
func sleeps(others int) {
	sleepers(others)
	const count, each = 100, 1000
	var all sync.WaitGroup
	all.Add(count)
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			for k := 0; k < each; k++ {
				time.Sleep(time.Microsecond)
			}
			all.Done()
		}()
	}
	all.Wait()
	printEach(start, count*each)
}

func main() {
	number := 2
	if len(os.Args) > 2 {
		number, _ = strconv.Atoi(os.Args[2])
	}
	debug.SetMaxThreads(100)
	switch os.Args[1] {
	case "yield":
		yields(number)
	case "spawn":
		spawns(number)
	case "channel":
		channels(number)
	case "ping-pong":
		pingPong()
	case "select":
		selects()
	case "parked":
		parked(number)
	case "mutex":
		mutexes(number)
	case "timer":
		timers(number)
	case "sleep":
		sleeps(number)
	default:
		os.Exit(2)
	}
}

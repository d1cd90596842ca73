package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// watchMemory samples the memory of a process's children until ended is closed. Then it sends the peak of the largest child.
func watchMemory(pid int, ended <-chan struct{}) <-chan int64 {
	result := make(chan int64, 1)
	go func() {
		ticker := time.NewTicker(samplingInterval)
		defer ticker.Stop()
		var peak int64
		for {
			select {
			case <-ended:
				result <- peak
				return
			case <-ticker.C:
				for _, child := range children(pid) {
					peak = max(peak, peakMemory(child))
				}
			}
		}
	}()
	return result
}

// children returns the running processes that any thread of a process has started.
func children(pid int) []string {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var pids []string
	for _, file := range files {
		content, _ := os.ReadFile(file)
		pids = append(pids, strings.Fields(string(content))...)
	}
	return pids
}

// peakMemory returns the peak of a process's resident memory in bytes, or 0 if the process has ended.
func peakMemory(pid string) int64 {
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(after, "kB")
	kilobytes, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes * 1024
}

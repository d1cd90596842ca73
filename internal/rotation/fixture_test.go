package rotation

const keyB = "AKIAI44QH8DHBEXAMPLE"

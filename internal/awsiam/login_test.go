package awsiam

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestLoginSession checks that the client signs with the session of "aws login" until it expires.
func TestLoginSession(t *testing.T) {
	const session, key = "arn:aws:iam::123456789012:user/operator", "ASIALOGIN"
	aws, dir := newFakeAWS(t, nil), t.TempDir()
	t.Setenv("AWS_LOGIN_CACHE_DIRECTORY", dir)
	profile := filepath.Join(dir, "config")
	for file, content := range map[string]string{
		profile: "[profile login]\nlogin_session = " + session + "\n",
		filepath.Join(dir, fmt.Sprintf("%x.json", sha256.Sum256([]byte(session)))): `{
			"accessToken": {"accessKeyId": "` + key + `", "secretAccessKey": "login/secret", "sessionToken": "token",
				"accountId": "123456789012", "expiresAt": "2999-01-01T00:00:00Z"},
			"clientId": "client", "refreshToken": "refresh", "dpopKey": "key"}`,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := aws.config()
	config.AccessKey, config.SecretKey = "", ""
	config.Profile, config.SharedConfigFiles = "login", []string{profile}
	client := newTestClient(t, config)
	if signs, err := client.SignsWith(t.Context(), key); err != nil || !signs {
		t.Errorf("the provider signs with the key of the session: %t, %v", signs, err)
	}
}

package simulator

import (
	"encoding/xml"
	"errors"
	"net/http"
)

// ec2Actions are the actions of EC2. Its answers and errors have their own formats.
var ec2Actions = map[string]awsAction{"DescribeRegions": (*World).describeRegions}

type describeRegionsResponse struct {
	XMLName   xml.Name    `xml:"DescribeRegionsResponse"`
	RequestID string      `xml:"requestId"`
	Regions   []xmlRegion `xml:"regionInfo>item"`
}

type xmlRegion struct {
	RegionName string `xml:"regionName"`
}

type xmlEC2Error struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

// describeRegions returns the region in the request.
func (w *World) describeRegions(call *awsCall) (any, error) {
	return describeRegionsResponse{Regions: []xmlRegion{{call.form.Get("RegionName.1")}}}, nil
}

// writeEC2Error writes an error with EC2's code for it.
func writeEC2Error(rw http.ResponseWriter, _, requestID string, err error) {
	e := *awsErrorOf(http.StatusInternalServerError)
	if known, ok := errors.AsType[*awsError](err); ok {
		e = *known
	}
	switch e.code {
	case errUnknownKey.code, errSignature.code:
		e = awsError{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"}
	case "AccessDenied":
		e.code, e.message = "UnauthorizedOperation", "You are not authorized to perform this operation."
	}
	writeXML(rw, e.status, xmlEC2Error{Code: e.code, Message: e.message, RequestID: requestID})
}

"""The items of the agent troubleshooting guide, by the ids under which the catalogue refers to them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GUIDE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "issue-1": "Issue 1: Connection timeout after 5 minutes",
        "issue-2": "Issue 2: Abnormal closure (close code 1006)",
        "issue-3": "Issue 3: Registration init works, complete fails",
        "issue-4": "Issue 4: No registration messages sent",
        "issue-5": "Issue 5: Message format errors",
        "issue-A": "Issue A: No messages sent",
        "issue-B": "Issue B: Registration incomplete",
        "issue-C": "Issue C: Reconnection loop",
        "step-1": "Debugging step 1: Verify connection",
        "step-2": "Debugging step 2: Check backend status",
        "step-3": "Debugging step 3: Monitor backend logs",
        "step-4": "Debugging step 4: Test with the Python script",
        "flow-1": "Registration flow 1: Connect",
        "flow-2": "Registration flow 2: Send init",
        "flow-3": "Registration flow 3: Receive response",
        "flow-4": "Registration flow 4: Send complete",
        "flow-5": "Registration flow 5: Receive confirmation",
        "flow-6": "Registration flow 6: Agent registered",
        "log-1": 'Backend log "WebSocket connection established for agent"',
        "log-2": 'Backend log "Received registration init request"',
        "log-3": 'Backend log "Successfully registered agent with Actions API"',
        "log-4": 'Backend log "Received registration complete request"',
        "log-5": 'Backend log "Successfully completed agent registration"',
        "checklist-1": "Checklist 1: Agent connects to the WebSocket Gateway on port 8080",
        "checklist-2": "Checklist 2: Agent sends a message within 5 seconds of connection",
        "checklist-3": "Checklist 3: Agent sends registration init message with correct format",
        "checklist-4": "Checklist 4: Agent handles registration init response",
        "checklist-5": "Checklist 5: Agent sends registration complete message with correct signature",
        "checklist-6": "Checklist 6: Agent handles registration complete response",
        "checklist-7": "Checklist 7: Agent appears in `/agents` after registration",
        "requirement-1": "Requirement 1: Immediate message",
        "requirement-2": "Requirement 2: Two-step registration",
        "requirement-3": "Requirement 3: Correct signature",
        "requirement-4": "Requirement 4: Proper format",
        "requirement-5": "Requirement 5: Base64 encoding",
        "requirement-6": "Requirement 6: Error handling",
    }
)
